"""The proxy between parts: bytes arrive as they were sent, and when and whether a rule says so."""

import hashlib
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from psutil import Process

from perf_pipeline.errors import StackError
from perf_pipeline.stack import link_routes
from perf_pipeline.stack.ending import dispose
from perf_pipeline.stack.link_routes import Link, Links, planned_links
from perf_pipeline.stack.link_rule import LinkRule
from perf_pipeline.stack.links import HeldLinks, proxy_state, start_links
from perf_pipeline.stack.part_faults import leaders_of
from perf_pipeline.stack.process_register import this_process
from perf_pipeline.stack.service import open_folder
from perf_pipeline_tests.support.commands.forked import started

HOLDER = """
import sys, time
from perf_pipeline.stack.link_routes import Links
from perf_pipeline.stack.link_rule import LinkRule
from perf_pipeline.stack.links import HeldLinks
name, control, token = sys.argv[1:]
held = HeldLinks(Links((), int(control), token), [name], LinkRule(is_cut=True))
print("held", flush=True)
time.sleep(60)
"""
NAME = "api-redis"
PATIENCE_S = 30.0


def _echo(connection: socket.socket) -> None:
    with closing(connection), suppress(OSError):
        while piece := connection.recv(65_536):
            connection.sendall(piece)


def _serve(listener: socket.socket) -> None:
    with suppress(OSError):
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=_echo, args=(connection,), daemon=True).start()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("links")


@pytest.fixture
def proxy(links: Links, folder: Path) -> Process:
    """Give the process of the proxy."""
    assert links.control
    return Process(*leaders_of(folder, "links"))


@pytest.fixture(scope="module")
def links(folder: Path) -> Iterator[Links]:
    """Give a link to a server that sends back what it gets."""
    open_folder(folder, owner=this_process())
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_serve, args=(listener,), daemon=True).start()
        port = listener.getsockname()[1]
        yield start_links(folder, planned_links([("api", "redis")]), {"redis": port})
        dispose(folder)


def connected(links: Links) -> socket.socket:
    return socket.create_connection(("127.0.0.1", links.links[0].port), timeout=PATIENCE_S)


def asked(connection: socket.socket, text: bytes = b"ping") -> float:
    """Send bytes, and give the seconds until all of them are back."""
    began_s = time.monotonic()
    connection.sendall(text)
    got = 0
    while got < len(text):
        piece = connection.recv(65_536)
        assert piece
        got += len(piece)
    return time.monotonic() - began_s


def _send_all(connection: socket.socket, sent: bytes) -> None:
    connection.sendall(sent)
    connection.shutdown(socket.SHUT_WR)


def test_connections_that_are_closed_leave_nothing_behind(links: Links, proxy: Process) -> None:
    with closing(connected(links)) as connection:
        asked(connection)
    before = proxy.num_fds()

    for _ in range(40):
        with closing(connected(links)) as connection:
            asked(connection)

    until_s = time.monotonic() + PATIENCE_S
    while proxy.num_fds() > before and time.monotonic() < until_s:
        time.sleep(0.05)
    assert proxy.num_fds() <= before


def test_a_proxy_says_how_much_it_has_worked_and_who_is_no_proxy_is_told(links: Links) -> None:
    began_s = proxy_state(links).cpu_s

    with closing(connected(links)) as connection:
        asked(connection, b"x" * 1_000_000)

    assert proxy_state(links).cpu_s > began_s > 0
    with pytest.raises(StackError, match="the proxy between the parts answers b''"):
        proxy_state(replace(links, token="guessed"))
    with pytest.raises(StackError, match="the proxy between the parts does not answer: .*refused"):
        proxy_state(replace(links, control=1))


def test_bytes_come_back_as_they_were_sent_and_the_end_does_too(links: Links) -> None:
    sent = bytes(range(256)) * 40_000  # 10 MB: more than what may wait in the proxy
    with closing(connected(links)) as connection:
        threading.Thread(target=_send_all, args=(connection, sent)).start()
        got = hashlib.sha256()
        while piece := connection.recv(65_536):
            got.update(piece)

    assert got.digest() == hashlib.sha256(sent).digest()


@pytest.mark.parametrize(
    ("rule", "least_s"),
    [
        (LinkRule(delay_s=0.3), 0.3),
        (LinkRule(delay_s=0.4, jitter_s=0.1), 0.3),
        (LinkRule(loss_ratio=1.0), 0.2),
    ],
    ids=["delay", "jitter", "loss"],
)
def test_an_answer_takes_as_much_longer_as_a_rule_says_until_it_ends(
    links: Links, rule: LinkRule, least_s: float
) -> None:
    with closing(connected(links)) as connection:
        asked(connection)
        held = HeldLinks(links, [NAME], rule)

        took_s = asked(connection)

        held.release()
        again_s = min(asked(connection) for _ in range(3))
    assert took_s >= least_s
    assert again_s < least_s


def test_a_narrow_link_takes_what_bytes_and_rate_say(links: Links) -> None:
    with closing(connected(links)) as connection:
        held = HeldLinks(links, [NAME], LinkRule(bytes_per_s=100_000.0))

        took_s = asked(connection, b"x" * 50_000)

        held.release()
    # Half a second there at 100 kB/s; back goes each piece of a tenth as it comes, 0.1 s later.
    assert 0.55 <= took_s < 5


def test_a_cut_link_is_silent_and_what_was_sent_meanwhile_comes_when_it_is_whole(
    links: Links,
) -> None:
    with closing(connected(links)) as connection:
        asked(connection)
        held = HeldLinks(links, [NAME], LinkRule(is_cut=True))
        connection.sendall(b"lost?")
        connection.settimeout(0.3)
        with pytest.raises(TimeoutError):
            connection.recv(10)
        with closing(connected(links)) as another:
            another.sendall(b"new")
            held.release()
            connection.settimeout(PATIENCE_S)
            assert connection.recv(10) == b"lost?"
            assert another.recv(10) == b"new"


def test_connections_are_reset_while_a_rule_says_so(links: Links) -> None:
    with closing(connected(links)) as connection:
        asked(connection)
        held = HeldLinks(links, [NAME], LinkRule(resets=True))
        with pytest.raises(ConnectionResetError):
            connection.recv(10)
    try:
        # A proxy that is quick resets it before its client knows that it is connected.
        with pytest.raises(ConnectionError), closing(connected(links)) as another:
            asked(another)
    finally:
        held.release()
    with closing(connected(links)) as whole:
        assert asked(whole) < PATIENCE_S


def test_rules_of_two_holders_add_up_and_each_ends_alone(links: Links) -> None:
    with closing(connected(links)) as connection:
        first = HeldLinks(links, [NAME], LinkRule(delay_s=0.2))
        second = HeldLinks(links, [NAME], LinkRule(delay_s=0.3))
        both_s = asked(connection)
        first.release()
        one_s = asked(connection)
        second.release()

    assert both_s >= 0.5
    assert one_s >= 0.3


def test_a_server_that_is_gone_resets_its_clients(tmp_path: Path) -> None:
    open_folder(tmp_path, owner=this_process())
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        gone = start_links(tmp_path, planned_links([("api", "redis")]), {"redis": port})
        with closing(connected(gone)) as connection, pytest.raises(ConnectionError):
            asked(connection)
    dispose(tmp_path)


def test_a_rule_ends_with_the_process_that_wanted_it(links: Links) -> None:
    words = [NAME, str(links.control), links.token]
    with (
        closing(connected(links)) as connection,
        started(
            [sys.executable, "-c", HOLDER, *words], stdout=subprocess.PIPE, text=True
        ) as holder,
    ):
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        connection.sendall(b"ping")
        connection.settimeout(0.2)
        with pytest.raises(TimeoutError):
            connection.recv(10)

        holder.kill()

        connection.settimeout(PATIENCE_S)
        assert connection.recv(10) == b"ping"


def test_nobody_without_the_token_hinders_anything(links: Links) -> None:
    stranger = Links(links.links, links.control, "guessed")

    with pytest.raises(StackError, match="refuses a rule for api-redis"):
        HeldLinks(stranger, [NAME], LinkRule(is_cut=True))
    with pytest.raises(StackError, match="refuses a rule for api-postgres"):
        HeldLinks(links, ["api-postgres"], LinkRule(is_cut=True))
    with closing(connected(links)) as connection:
        assert asked(connection) < PATIENCE_S


def test_no_port_is_planned_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = iter([15_001, 15_001, 15_002, 15_001, 15_003, 15_002, 15_004, 15_005])
    monkeypatch.setattr(link_routes, "free_port", lambda: next(drawn))

    planned = planned_links([("load", "api"), ("load", "broker")])

    ports = [port for link in planned.links for port in (link.port, link.upstream)]
    assert len(set(ports)) == 4


def test_an_address_leads_through_the_proxy_for_who_has_a_link_alone() -> None:
    links = Links((Link("api", "postgres", port=15_001, upstream=15_002),))
    dsn = "postgresql://u:p@127.0.0.1:15002/d?hostaddr=127.0.0.1"

    assert links.seen_by("api", "postgres", dsn) == dsn.replace("15002", "15001")
    assert links.seen_by("relay", "postgres", dsn) == dsn
    assert links.seen_by("api", "postgres", None) is None


def test_a_link_to_three_brokers_is_one_to_each_and_is_written_over_all_their_addresses() -> None:
    planned = planned_links([("load", "broker"), ("worker", "broker")], brokers=3)
    names = [link.name for link in planned.links if link.client == "load"]
    ports = [link.port for link in planned.links if link.client == "load"]

    assert names == ["load-broker", "load-broker-2", "load-broker-3"]
    assert len({port for link in planned.links for port in (link.port, link.upstream)}) == 12
    brokers = "SASL_PLAINTEXT://u:p@127.0.0.1:1,127.0.0.1:2,127.0.0.1:3"
    assert planned.seen_by("load", "broker", brokers) == (
        f"SASL_PLAINTEXT://u:p@127.0.0.1:{ports[0]},127.0.0.1:{ports[1]},127.0.0.1:{ports[2]}"
    )
