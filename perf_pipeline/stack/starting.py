"""Start the parts of a stack side by side, each as soon as what it needs is ready.

Whatever ends a start, an error of a part or Ctrl-C, ends all of it: the register is closed, so that
no thread starts another process, and what runs is ended before the error goes on.
Add here: a part, with what it waits for. Keep out: how a part is started (its own module).
"""

import threading
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeAlias

from perf_pipeline.errors import StackError, StoppedByUserError
from perf_pipeline.narration import Say
from perf_pipeline.stack.ending import abandon
from perf_pipeline.stack.kafka import given_kafka, launch_kafka
from perf_pipeline.stack.link_routes import Link, Links, planned_links, port_in
from perf_pipeline.stack.links import start_links
from perf_pipeline.stack.noida import launch_noida
from perf_pipeline.stack.parts import (
    CannotBeHadError,
    Endpoints,
    Launched,
    ServiceInfo,
    Stack,
    StackOptions,
)
from perf_pipeline.stack.postgres import given_postgres, launch_postgres
from perf_pipeline.stack.redis import given_redis, launch_redis
from perf_pipeline.stack.reference import (
    complete_reference,
    make_tables,
    require_servers,
    start_api,
)

NO_REDIS: Final = "there is no Redis here, so the reference API runs without its cache"
POLL_S: Final = 0.1  # of a wait that Ctrl-C or a stop can end
# A thread each for PostgreSQL, broker, Redis, the proxy between parts, and the reference system.
BRANCHES: Final = 5


@dataclass(frozen=True, slots=True)
class _ReadyServer:
    """Hold a server that is ready."""

    launched: Launched
    info: ServiceInfo


_Servers: TypeAlias = tuple[Future[_ReadyServer | None], ...]
_Reference: TypeAlias = tuple[str | None, tuple[ServiceInfo, ...]]


@dataclass(frozen=True, slots=True)
class _Branches:
    """Hold what starts side by side."""

    servers: _Servers
    links: Future[Links]
    reference: Future[_Reference]


def start(
    folder: Path,
    cache: Path,
    options: StackOptions,
    say: Say,
    stop: threading.Event | None = None,
) -> Stack:
    """Start all parts and return the stack when every one of them is ready.

    Args:
        folder: the folder of the stack.
        cache: the cache of downloaded jars, and of what later starts need not make again.
        options: which parts, and what is given.
        say: gets a sentence for each part.
        stop: set it to give up the start.

    Raises:
        StackError: a part could not be had or started; nothing is left running.
        TargetUnavailableError: a given part does not answer.
        StoppedByUserError: `stop` was set; nothing is left running.
    """
    if "reference" in options.parts:
        require_servers(options)
    pool = ThreadPoolExecutor(BRANCHES, thread_name_prefix="stack-start")
    try:
        branches = _begin(folder, cache, options, _one_at_a_time(say), pool)
        servers, links, reference = branches.servers, branches.links, branches.reference
        _wait_for(*servers, links, reference, stop=stop or threading.Event())
        stack = _stack(folder, options, [server.result() for server in servers], reference.result())
        return with_links(stack, links.result())
    except BaseException:
        abandon(folder)  # first: the threads below wait for processes that never get ready
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _begin(
    folder: Path, cache: Path, options: StackOptions, say: Say, pool: ThreadPoolExecutor
) -> _Branches:
    planned = planned_links(options.links, options.broker_count)

    def server(
        part: str,
        endpoint: str | None,
        given: Callable[[str], Launched],
        launch: Callable[[], Launched | None],
    ) -> _ReadyServer | None:
        launched = None
        if endpoint is not None:
            launched = given(endpoint)
        elif part in options.parts:
            launched = launch()
        return None if launched is None else _ReadyServer(launched, launched.describe())

    broker = pool.submit(
        server,
        "kafka",
        options.brokers,
        partial(given_kafka, allowed=options.allowed),
        lambda: _broker(folder, cache, say, planned.links, options),
    )
    postgres = pool.submit(
        server,
        "postgres",
        options.postgres_dsn,
        given_postgres,
        lambda: launch_postgres(
            folder, say=say, cache=cache, has_small_disk="postgres" in options.small_disks
        ),
    )
    redis = pool.submit(
        server,
        "redis",
        options.redis_url,
        given_redis,
        lambda: launch_redis(folder, say=say, has_small_disk="redis" in options.small_disks),
    )
    servers = (postgres, broker, redis)
    links = pool.submit(_links, folder, planned, servers, say)
    reference = pool.submit(_reference, folder, options, servers, links, say)
    return _Branches(servers, links, reference)


def _links(folder: Path, planned: Links, servers: _Servers, say: Say) -> Links:
    """Start the proxy between the parts once the ports of the servers are known."""
    if not planned.links:
        return planned
    found = dict(zip(("postgres", "broker", "redis"), servers, strict=True))
    wanted = {link.server for link in planned.links if not link.upstream}
    say(f"starting a proxy for {', '.join(link.name for link in planned.links)} ...")
    endpoints = {name: _endpoint(found[name].result()) for name in wanted}
    if absent := [name for name, endpoint in endpoints.items() if endpoint is None]:
        raise StackError(f"there is no {absent[0]} here, so no connection to it can be hindered")
    return start_links(
        folder,
        planned,
        {name: port_in(name, address or "") for name, address in endpoints.items()},
    )


def _reference(
    folder: Path,
    options: StackOptions,
    servers: _Servers,
    links: Future[Links],
    say: Say,
) -> _Reference:
    postgres, broker, redis = servers
    if "reference" not in options.parts:
        if options.tables and options.postgres_dsn is None:
            make_tables(folder, _endpoint(postgres.result()) or "")
        return None, ()
    # An API needs no broker, and takes a second to import what it needs.
    before = Endpoints(None, _endpoint(postgres.result()), None, _endpoint(redis.result()))
    api = start_api(folder, before, options, links.result(), say=say)
    return complete_reference(api, _endpoint(broker.result()) or "")


def _wait_for(*branches: Future[Any], stop: threading.Event) -> None:
    """Wait for all of them, or for the first error, which is the one that is reported."""
    pending = set(branches)
    while pending:
        if stop.is_set():
            raise StoppedByUserError("stopped before anything was measured")
        done, pending = wait(pending, timeout=POLL_S, return_when=FIRST_EXCEPTION)
        for branch in done:
            branch.result()


def _stack(
    folder: Path,
    options: StackOptions,
    servers: list[_ReadyServer | None],
    reference: _Reference,
) -> Stack:
    base_url, more = reference
    found = [server for server in servers if server is not None]
    notices = tuple(notice for server in found for notice in server.launched.notices)
    if "redis" in options.parts and servers[-1] is None:
        notices = (*notices, NO_REDIS)
    return Stack(
        folder.name,
        Endpoints(base_url, *map(_endpoint, servers)),
        (*(server.info for server in found), *more),
        folder,
        notices,
    )


def with_links(stack: Stack, links: Links) -> Stack:
    """Return a stack that has these links, and says so."""
    if not links.links:
        return stack
    names = ", ".join(dict.fromkeys(f"{it.client} to {it.server}" for it in links.links))
    notice = (
        f"the connections {names} go through a proxy all the time, because faults hinder them; "
        "each answer takes as much longer as docs/faults.md says, and figures of such runs are "
        "compared with one another only"
    )
    return replace(stack, links=links, notices=(*stack.notices, notice))


def _endpoint(server: _ReadyServer | None) -> str | None:
    return None if server is None else server.launched.endpoint


def _broker(
    folder: Path, cache: Path, say: Say, links: tuple[Link, ...], options: StackOptions
) -> Launched:
    """Start brokers; the emulator is one alone without a disk, whose clients go by no proxy."""
    brokers, has_small_disk = options.broker_count, "broker" in options.small_disks
    try:
        return launch_kafka(
            folder, cache, say=say, links=links, brokers=brokers, has_small_disk=has_small_disk
        )
    except CannotBeHadError as error:
        is_hindered = any(link.server == "broker" for link in links)
        if brokers > 1 or has_small_disk or is_hindered:
            raise
        return launch_noida(folder, error.sentence, say=say)


def _one_at_a_time(say: Say) -> Say:
    lock = threading.Lock()

    def said(sentence: str) -> None:
        with lock:
            say(sentence)

    return said
