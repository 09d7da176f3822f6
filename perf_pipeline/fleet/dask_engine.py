"""A fleet whose engine is Dask distributed: each of its workers starts agents on its host.

Nothing in a run is a Dask task: functions run outside of tasks, so that no argument or result is
ever in a graph or on the dashboard, and Dask never restarts anything by itself.
Add here: something else that only Dask needs. Keep out: what all engines share (fleet.py).
"""

import asyncio
import logging
import socket
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import urlsplit

from distributed import Client, Semaphore, Worker

from perf_pipeline.config.fleet import FleetConfig
from perf_pipeline.config.hosts import Place
from perf_pipeline.errors import GeneratorLimitError
from perf_pipeline.fleet.checks import of_hosts
from perf_pipeline.fleet.driver_link import DriverLink
from perf_pipeline.fleet.host import HostFacts, agent_started, facts_here
from perf_pipeline.fleet.link import HostLink
from perf_pipeline.fleet.placement import placed

_CONNECT_LIMIT_S: Final = 10.0
_LOCK: Final = "perf-pipeline load"
_LOCK_LIMIT_S: Final = 45.0
"""Dask gives back the lock of a driver that was killed after 30 s."""


async def agents_started(counts: Mapping[str, int], dask_worker: Worker) -> list[dict[str, Any]]:
    """Start the agents of this Dask worker; this function runs there."""
    security, host = dask_worker.security, _host_of(dask_worker.address)
    tls = None
    if dask_worker.address.startswith("tls://"):
        its = security.get_tls_config_for_role("worker")
        tls = {"ca": its["ca_file"], "cert": its["cert"], "key": its["key"]}
    count = counts[dask_worker.address]
    starts = (asyncio.to_thread(agent_started, host, tls) for _ in range(count))
    return list(await asyncio.gather(*starts))


class DaskEngine:
    """Ask the workers of a Dask cluster, and start agents there.

    Args:
        client: a connected client.
        address: the address of the scheduler, for sentences.
    """

    def __init__(self, client: Client, address: str) -> None:
        self._client = client
        self._address = address
        self._told = frozenset[str]()

    def _hosts(self) -> dict[str, str]:
        """Return the host of each of Dask's workers.

        Raises:
            GeneratorLimitError: the cluster has no workers.
        """
        with self._asking():
            found = {address: _host_of(address) for address in self._client.nthreads()}
        if not found:
            raise GeneratorLimitError(
                f"the fleet at {self._address} has no workers",
                hint=f"start one on each host: dask worker {self._address}",
            )
        return found

    @contextmanager
    def _asking(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise GeneratorLimitError(
                f"the fleet at {self._address} does not answer any more: {error}",
                hint="see whether its scheduler still runs, and run again",
            ) from error

    def facts(self, places: Sequence[Place]) -> dict[str, HostFacts]:
        """Ask each host for its facts, and whether it may load these places.

        Raises:
            GeneratorLimitError: a host can't answer, or its processes give different answers; the
                message names it.
        """
        asked = [(place.host, place.port) for place in places]
        hosts = self._hosts()
        with self._asking():
            told = self._client.run(facts_here, asked, workers=list(hosts), on_error="return")
        for address, found in told.items():
            if isinstance(found, BaseException):
                raise _cannot(hosts[address], found)
        facts, split = of_hosts(told, hosts)
        if split:
            raise GeneratorLimitError(
                f"the workers of Dask on {', '.join(split)} are not like one another",
                hint="start those of one host in the same environment, with the same "
                "PERF_ALLOWED_HOSTS",
            )
        self._told = frozenset(told)
        return facts

    def links(self, count: int) -> Iterator[tuple[str, DriverLink]]:
        """Start an agent for each load worker; yield its host and a connection, made on demand.

        A host that has joined since `facts` gets no agent.

        Raises:
            GeneratorLimitError: a host can't start an agent, can't be reached, or has left since
                `facts`.
        """
        places = placed(self._asked_hosts(), count)
        counts = Counter(places)
        with self._asking():
            started = self._client.run(
                agents_started, dict(counts), workers=list(counts), on_error="return"
            )
        for address in counts:
            if isinstance(found := started[address], BaseException):
                raise _cannot(_host_of(address), found)
        return (
            (_host_of(address), self._connected(address, started[address].pop(0)))
            for address in places
        )

    def _asked_hosts(self) -> dict[str, str]:
        """Return the hosts that `facts` asked; all hosts if it asked none.

        Raises:
            GeneratorLimitError: one of them has left, so the run would not match its fingerprint.
        """
        hosts = self._hosts()
        if gone := sorted({_host_of(address) for address in self._told - hosts.keys()}):
            raise GeneratorLimitError(
                f"the fleet at {self._address} has lost workers of Dask since they were asked, on "
                f"{', '.join(gone)}",
                hint="run again when hosts neither come nor go",
            )
        return {address: hosts[address] for address in self._told or hosts}

    def _connected(self, address: str, agent: Mapping[str, Any]) -> DriverLink:
        host, context = _host_of(address), None
        if address.startswith("tls://"):
            context = self._client.security.get_connection_args("client")["ssl_context"]

        def connect(limit_s: float) -> HostLink:
            stream = socket.create_connection((host, agent["port"]), limit_s)
            try:
                return HostLink(context.wrap_socket(stream) if context else stream)
            except OSError:
                stream.close()
                raise

        try:
            return DriverLink(connect, agent["token"])
        except OSError as error:
            raise GeneratorLimitError(
                f"the agent on {host} can't be reached at port {agent['port']}: {error}",
                hint="the driver connects to the hosts of a fleet; let it through to them",
            ) from error


@contextmanager
def dask_engine(config: FleetConfig) -> Iterator[DaskEngine]:
    """Connect to a Dask cluster, and exclude other runs until the end of the block.

    Raises:
        GeneratorLimitError: the cluster does not answer, or another run is using it.
    """
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # our own messages say it
    try:
        client = Client(config.address, timeout=_CONNECT_LIMIT_S, set_as_default=False)
    except (OSError, ValueError) as error:
        raise GeneratorLimitError(
            f"the fleet at {config.address} does not answer: {error}",
            hint="start a scheduler there with `dask scheduler`; docs/fleet.md shows how",
        ) from error
    with client:
        lock = Semaphore(1, _LOCK, scheduler_rpc=client.scheduler, loop=client.loop)
        if not lock.acquire(timeout=_LOCK_LIMIT_S):
            raise GeneratorLimitError(
                f"another run loads with the fleet at {config.address}", hint="run again after it"
            )
        try:
            yield DaskEngine(client, config.address)
        finally:
            lock.release()


def _host_of(address: str) -> str:
    return urlsplit(address).hostname or address


def _cannot(host: str, error: BaseException) -> GeneratorLimitError:
    if isinstance(error, ModuleNotFoundError):
        return GeneratorLimitError(
            f"the host {host} has no {error.name}",
            hint="install the same perf_pipeline[fleet] there as here",
        )
    return GeneratorLimitError(f"the host {host} can't start a load worker: {error!r}")
