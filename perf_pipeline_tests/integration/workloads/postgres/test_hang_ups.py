"""A PostgreSQL that has hung up is noticed, on either event loop and however late the worker is."""

import asyncio
import gc
import os
import select
import socket
import time
import weakref
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import psycopg
import pytest
import uvloop

from perf_pipeline.workloads.postgres.exchange import LoopConnection, connected
from perf_pipeline.workloads.postgres.hang_ups import hang_ups
from perf_pipeline.workloads.postgres.sql_session import SqlSession
from perf_pipeline.workloads.postgres.statement import PreparedConnection
from perf_pipeline.workloads.postgres.takers import Answer, Awaiter
from perf_pipeline_tests.support.loads.workload_bench import scratch_database

LOOPS = (asyncio.new_event_loop, uvloop.new_event_loop)
LIMIT_S = 20.0
ONE = "select 1"
LARGE = bytes([120]) * 9_000_000


@pytest.fixture(scope="module")
def dsn(postgres_dsn: str) -> Iterator[str]:
    with scratch_database(postgres_dsn, "test_hang_ups") as own:
        yield own


async def prepared(dsn: str) -> PreparedConnection:
    return await PreparedConnection.open(dsn, ONE)


async def prepared_length(dsn: str) -> PreparedConnection:
    return await PreparedConnection.open(dsn, "select length($1)")


async def session(dsn: str) -> SqlSession:
    return SqlSession(await connected(dsn))


def ask(connection: LoopConnection) -> Answer:
    """Send a request, and return what its answer is awaited by."""
    if isinstance(connection, PreparedConnection):
        answer: Answer = asyncio.get_running_loop().create_future()
        connection.post(Awaiter(answer), ())
        return answer
    assert isinstance(connection, SqlSession)
    return connection.ask(ONE.encode(), 2 * LIMIT_S)


def socket_of(connection: LoopConnection) -> socket.socket:
    """Give a second handle on the connection's socket."""
    return socket.socket(fileno=os.dup(connection._connection.pgconn.socket))


def block_until(sock: socket.socket, event: int) -> None:
    """Let nobody else of the event loop do anything until something is true of a socket."""
    poll = select.poll()
    poll.register(sock, event)
    found = poll.poll(LIMIT_S * 1e3)
    assert [what & event for _, what in found] == [event]


def end_session(dsn: str, connection: LoopConnection) -> None:
    """End a connection as an administrator does, and wait until its last bytes are here."""
    pid = connection._connection.info.backend_pid
    with psycopg.connect(dsn) as administrator, socket_of(connection) as sock:
        administrator.execute("select pg_terminate_backend(%s)", [pid])
        block_until(sock, select.POLLRDHUP)


async def unusable(connection: LoopConnection) -> None:
    """Wait until a connection is not used any more."""
    until_s = time.monotonic() + LIMIT_S
    while connection.is_usable:
        assert time.monotonic() < until_s
        await asyncio.sleep(0.01)


def on(loop: Callable[[], asyncio.AbstractEventLoop], work: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(work)


@pytest.mark.parametrize("loop", LOOPS, ids=["asyncio", "uvloop"])
@pytest.mark.parametrize("opened", [prepared, session])
def test_a_request_to_a_server_that_has_hung_up_already_fails_and_does_not_wait(
    dsn: str,
    loop: Callable[[], asyncio.AbstractEventLoop],
    opened: Callable[[str], Coroutine[Any, Any, LoopConnection]],
) -> None:
    async def body() -> None:
        connection = await opened(dsn)
        await ask(connection)
        with socket_of(connection) as sock:
            end_session(dsn, connection)
            answer = ask(connection)
            # The request meets a closed port, whose answer is a reset: both before the next look.
            block_until(sock, select.POLLERR)
            with pytest.raises(psycopg.OperationalError) as refusal:
                await asyncio.wait_for(answer, LIMIT_S)

        # 57P01: admin_shutdown, PostgreSQL's appendix A; the farewell was there to be read
        assert refusal.value.sqlstate == "57P01"
        assert not connection.is_usable
        await connection.close()

    on(loop, body())


@pytest.mark.parametrize("loop", LOOPS, ids=["asyncio", "uvloop"])
def test_an_idle_connection_whose_server_has_hung_up_is_unusable(
    dsn: str, loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    async def body() -> None:
        connection = await session(dsn)
        await ask(connection)
        answered_ns = connection.answered_ns
        end_session(dsn, connection)
        await unusable(connection)

        assert connection.answered_ns == answered_ns
        await connection.close()

    on(loop, body())


@pytest.mark.parametrize("loop", LOOPS, ids=["asyncio", "uvloop"])
def test_an_answer_from_before_the_hang_up_finds_the_connection_as_it_was_then(
    dsn: str, loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    async def body() -> None:
        connection, found = await session(dsn), list[bool]()
        answer = ask(connection)
        answer.add_done_callback(lambda _: found.append(connection.is_in_transaction))
        with socket_of(connection) as sock:
            block_until(sock, select.POLLIN)
        end_session(dsn, connection)
        assert (await answer).ntuples == 1
        await unusable(connection)

        assert found == [False]
        await connection.close()

    on(loop, body())


def test_a_connection_that_libpq_has_closed_leaves_the_next_owner_of_its_socket_alone(
    dsn: str,
) -> None:
    async def body() -> None:
        lost = await session(dsn)
        await ask(lost)
        number = lost._connection.pgconn.socket
        # As libpq does itself where the server goes in the middle of a large request.
        lost._connection.pgconn.finish()
        heir = await asyncio.wait_for(session(dsn), LIMIT_S)
        assert heir._connection.pgconn.socket == number  # the lowest number that is free
        await lost.close()
        await asyncio.wait_for(ask(heir), LIMIT_S)
        await heir.close()

    # On uvloop, as in workers: psycopg itself can't connect on asyncio's loop after that.
    on(uvloop.new_event_loop, body())


def send_large(connection: LoopConnection) -> None:
    """Send more than sockets take at once."""
    taker = Awaiter(asyncio.get_running_loop().create_future())
    if isinstance(connection, PreparedConnection):
        connection.post(taker, [LARGE])
    else:
        assert isinstance(connection, SqlSession)
        connection.expect(taker)
        connection.send_with(b"select length($1)", [LARGE], 2 * LIMIT_S)


@pytest.mark.parametrize("loop", LOOPS, ids=["asyncio", "uvloop"])
@pytest.mark.parametrize("opened", [prepared_length, session])
def test_a_socket_that_libpq_closed_while_sending_leaves_the_next_owner_of_its_number_alone(
    dsn: str,
    loop: Callable[[], asyncio.AbstractEventLoop],
    opened: Callable[[str], Coroutine[Any, Any, LoopConnection]],
) -> None:
    async def body() -> None:
        here, there = socket.socketpair()
        lost = await opened(dsn)
        number = lost._connection.pgconn.socket
        end_session(dsn, lost)
        with pytest.raises(psycopg.OperationalError):
            send_large(lost)
        assert lost._connection.pgconn.status == psycopg.pq.ConnStatus.BAD
        running = asyncio.get_running_loop()
        told = asyncio.Event()
        with here, there, socket.socket(fileno=os.dup2(here.fileno(), number)) as heir:
            running.add_reader(heir, told.set)
            await lost.close()
            there.send(b"for the heir")
            await asyncio.wait_for(told.wait(), LIMIT_S)
            running.remove_reader(heir)

    on(loop, body())


@pytest.mark.parametrize("loop", LOOPS, ids=["asyncio", "uvloop"])
def test_an_event_loop_that_is_over_is_forgotten(
    loop: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    async def body() -> weakref.ref[asyncio.AbstractEventLoop]:
        watcher = hang_ups()
        assert hang_ups() is watcher
        with socket.socket() as left:  # closed, and never forgotten
            watcher.watch(left.fileno(), lambda: None)
        return weakref.ref(asyncio.get_running_loop())

    with asyncio.Runner(loop_factory=loop) as runner:
        over = runner.run(body())
    del runner
    gc.collect()

    assert over() is None
