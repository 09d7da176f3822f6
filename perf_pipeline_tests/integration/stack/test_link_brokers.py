"""What a broker tells of where brokers are, read and written anew by the proxy before it."""

import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest
from confluent_kafka.admin import AdminClient

from perf_pipeline.config.allowed import AllowedHosts
from perf_pipeline.config.broker_address import read_brokers
from perf_pipeline.config.hosts import Place
from perf_pipeline.config.kafka_client import at_servers, client_properties, kafka_settings
from perf_pipeline.config.kafka_listeners import BrokerAccess
from perf_pipeline.config.kafka_wire import asked
from perf_pipeline.loading.proxy_watch import ProxyWatch
from perf_pipeline.stack.ending import dispose
from perf_pipeline.stack.link_brokers import ToldAnswers
from perf_pipeline.stack.link_routes import Link, Links, links_before
from perf_pipeline.stack.links import proxy_state, start_links
from perf_pipeline.stack.parts import Endpoints, Stack
from perf_pipeline.stack.process_register import this_process
from perf_pipeline.stack.service import free_port, open_folder
from perf_pipeline.stack.told_ports import HERE, ToldPorts
from perf_pipeline_tests.support.commands.command_line import wait_until

PRODUCE, FETCH, METADATA, COORDINATOR, HANDSHAKE, VERSIONS, CLUSTER = 0, 1, 3, 10, 17, 18, 60
GROUP: Final = b"readers"


@pytest.fixture(scope="module")
def port(brokers: str) -> int:
    """Give the port of the one broker."""
    (place,) = read_brokers(brokers, ()).places
    assert place.port is not None
    return place.port


@pytest.fixture(scope="module")
def links(port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Links]:
    folder = tmp_path_factory.mktemp("links")
    open_folder(folder, owner=this_process())
    yield start_links(folder, links_before({"broker": (Place("localhost", port),)}), {})
    dispose(folder)


@pytest.fixture
def entered(brokers: str) -> Callable[[int], socket.socket]:
    """Give a way to connect to a port, and to log in as the broker asks for (SASL)."""
    access = BrokerAccess(AllowedHosts.read(()), client_properties(brokers))

    def enter(port: int) -> socket.socket:
        with access.entered(Place("127.0.0.1", port)) as connection:
            return connection.dup()

    return enter


def ranges(connection: socket.socket, version: int = 0) -> dict[int, tuple[int, int]]:
    """Ask which versions there are, in the older coding."""
    answer = asked(connection, VERSIONS, version, b"")
    (count,) = struct.unpack_from(">i", answer, 2)
    listed = answer[6 : 6 + 6 * count]
    return {key: (low, high) for key, low, high in struct.iter_unpack(">hhh", listed)}


def question(key: int, version: int) -> bytes:
    """Write the request, by the message definitions of Apache Kafka 4.3."""
    if key == METADATA:
        flexible = version >= 9
        everything = b"\0" if flexible else struct.pack(">i", -1 if version else 0)
        flags = (version >= 4) + 2 * (8 <= version <= 10) + (version >= 11)
        return b"\0" * flexible + everything + b"\0" * flags + b"\0" * flexible
    if key == CLUSTER:
        return b"\0" + b"\0" + b"\1" * (version >= 1) + b"\0" * (version >= 2) + b"\0"
    old, compact = struct.pack(">h", len(GROUP)) + GROUP, bytes([len(GROUP) + 1]) + GROUP
    if version >= 4:
        return b"\0" + b"\0" + b"\2" + compact + b"\0"
    if version >= 3:
        return b"\0" + compact + b"\0" + b"\0"
    return old + b"\0" * (version >= 1)


@pytest.mark.parametrize("key", [METADATA, COORDINATOR, CLUSTER])
def test_each_version_of_an_answer_is_as_the_broker_gave_it_but_for_the_port(
    key: int, links: Links, port: int, entered: Callable[[int], socket.socket]
) -> None:
    (link,) = links.links
    here, there = (b"127.0.0.1" + struct.pack(">i", it) for it in (port, link.port))
    with closing(entered(port)) as past, closing(entered(link.port)) as through:
        low, high = ranges(past)[key]
        # The first question for a coordinator makes the topic in which groups are kept.
        wait_until(lambda: here in asked(past, key, low, question(key, low)), 60.0)
        for version in range(low, high + 1):
            body = question(key, version)
            truth = asked(past, key, version, body)
            assert truth.count(here) == 1, (version, truth)
            assert asked(through, key, version, body) == truth.replace(here, there), version
    assert proxy_state(links).unknown == ""


def test_versions_whose_addresses_stand_among_messages_are_not_offered(
    links: Links, port: int, entered: Callable[[int], socket.socket]
) -> None:
    with closing(entered(port)) as past, closing(entered(links.links[0].port)) as through:
        there = ranges(past)
        offered = ranges(through)
        newest = asked(through, VERSIONS, 3, b"\0\5perf\0021\0")

    # KIP-951: Produce has addresses from version 10 on, Fetch from 16; share groups always.
    cut = {PRODUCE: (there[PRODUCE][0], 9), FETCH: (there[FETCH][0], 15)}
    assert offered == {key: cut.get(key, its) for key, its in there.items() if key not in {78, 79}}
    assert there[PRODUCE][1] >= 10
    assert there[FETCH][1] >= 16
    # One byte says how many follow, plus one (varint), and each has a byte for its tags.
    assert newest[2] == len(offered) + 1
    assert {
        key: (low, high)
        for key, low, high in struct.iter_unpack(">hhhx", newest[3:][: 7 * len(offered)])
    } == offered


def test_a_client_goes_to_the_proxy_for_all_that_it_does(links: Links, brokers: str) -> None:
    address = links.seen_by("load", "broker", brokers)
    assert address is not None

    client = AdminClient({**kafka_settings(address)})
    found = client.list_topics(timeout=30).brokers.values()

    assert [f"{it.host}:{it.port}" for it in found] == [f"127.0.0.1:{links.links[0].port}"]
    (group,) = client.describe_consumer_groups(["readers"]).values()
    assert group.result(timeout=30).coordinator.port == links.links[0].port
    assert proxy_state(links).unknown == ""


def test_a_load_that_brokers_send_past_the_proxy_tells_nothing(
    port: int, brokers: str, tmp_path: Path
) -> None:
    folder = tmp_path / "stack"
    open_folder(folder, owner=this_process())
    detour, shown = free_port(), free_port()
    # The broker is not where the second link leads, but behind the first one.
    past = Link("others", "broker", detour, port)
    planned = Links((past, Link("load", "broker", shown, detour, tells=True)))
    links = start_links(folder, planned, {})
    watch = ProxyWatch(Stack("sent", Endpoints(), (), folder, (), links=links))
    watch.begin()
    assert watch.trouble() == ""

    AdminClient({**kafka_settings(at_servers(brokers, f"127.0.0.1:{shown}"))}).list_topics(
        timeout=30
    )

    assert watch.trouble() == (
        f"brokers named 127.0.0.1:{port}, before which no proxy of this run stands, so part of the "
        "load may have gone past every fault"
    )
    dispose(folder)


def received(connection: socket.socket, size: int) -> bytes:
    """Receive that many bytes, or all that came before the other side hung up."""
    data = b""
    while len(data) < size and (more := connection.recv(size - len(data))):
        data += more
    return data


def test_a_client_that_logs_in_as_before_kafka_1_0_gets_the_answer(
    links: Links, brokers: str
) -> None:
    settings = client_properties(brokers)
    password = f"\0{settings['sasl.username']}\0{settings['sasl.password']}".encode()
    # SaslHandshake v0, after which tokens are sent bare: their size, and nothing of a header.
    handshake = struct.pack(">hhihh", HANDSHAKE, 0, 5, -1, 5) + b"PLAIN"
    with socket.create_connection(("127.0.0.1", links.links[0].port), timeout=60.0) as through:
        through.sendall(struct.pack(">i", len(handshake)) + handshake)
        (size,) = struct.unpack(">i", received(through, 4))
        answer = received(through, size)
        through.sendall(struct.pack(">i", len(password)) + password)
        logged_in = received(through, 4)
        told = asked(through, METADATA, 1, struct.pack(">i", 0))

    assert answer[:6] == struct.pack(">ih", 5, 0)
    assert logged_in == bytes(4)  # PLAIN has no answer but an empty one (RFC 4616)
    assert b"127.0.0.1" + struct.pack(">i", links.links[0].port) in told


def metadata(*places: tuple[str, int]) -> bytes:
    """Write an answer to request 7 of Metadata v0, without topics."""
    brokers = b"".join(
        struct.pack(">ih", number, len(host)) + host.encode() + struct.pack(">i", port)
        for number, (host, port) in enumerate(places)
    )
    body = struct.pack(">ii", 7, len(places)) + brokers + struct.pack(">i", 0)
    return struct.pack(">i", len(body)) + body


def request(number: int = 7) -> bytes:
    """Write a request of Metadata v0 without a name of the client, for all topics."""
    return struct.pack(">ihhihi", 14, METADATA, 0, number, -1, 0)


@pytest.mark.parametrize("size", [1, 3, 1_000])
def test_answers_are_put_together_from_whatever_pieces_they_come_in(size: int) -> None:
    told = ToldPorts({(HERE, 9092): 15_001, (HERE, 9093): 15_002})
    answers = ToldAnswers(told)
    message = struct.pack(">ii", 4 + 300, 8) + b"m" * 300
    sent = metadata(("localhost", 9092), ("127.0.0.1", 9093)) + message
    # A request that carries bytes that look like one of ours is not taken for one.
    requests = struct.pack(">ihhi", 8 + 18, PRODUCE, 9, 8) + request(8) + request()

    for at in range(0, len(requests), size):
        answers.asked(requests[at : at + size])
    got = b"".join(answers.answered(sent[at : at + size]) for at in range(0, len(sent), size))

    assert got == metadata(("127.0.0.1", 15_001), ("127.0.0.1", 15_002)) + message
    assert told.unknown == set()


def test_a_broker_that_the_proxy_does_not_stand_before_is_named() -> None:
    told = ToldPorts({(HERE, 9092): 15_001})
    answers = ToldAnswers(told)

    answers.asked(request() + request(6))
    got = answers.answered(metadata(("127.0.0.1", 9092), ("127.0.0.1", 9094), ("", -1)))

    assert got == metadata(("127.0.0.1", 15_001), ("127.0.0.1", 9094), ("", -1))
    assert told.unknown == {"127.0.0.1:9094"}
    garbled = struct.pack(">iii", 8, 6, 5)
    assert answers.answered(garbled) == garbled
    assert "what an answer names that can't be read" in told.unknown


def test_bare_tokens_of_a_login_are_passed_on_at_once() -> None:
    told = ToldPorts({(HERE, 9092): 15_001})
    answers = ToldAnswers(told)
    # Empty, one byte (as RFC 7628 has it for a refused token), and longer ones, each a frame.
    tokens = [struct.pack(">i", len(it)) + it for it in (b"", b"\1", b"four", b"0123456789")]

    for token in tokens:
        answers.asked(token)
        assert answers.answered(token) == token
    answers.asked(request())
    assert answers.answered(bytes(4)) == bytes(4)  # though an answer is awaited
    got = answers.answered(metadata(("localhost", 9092)))

    assert got == metadata(("127.0.0.1", 15_001))
    assert told.unknown == set()


@pytest.mark.parametrize("size", [-1, -4, -(2**31)])
def test_what_is_not_kafkas_protocol_is_passed_on_as_it_is_and_told(size: int) -> None:
    sent = struct.pack(">i", size) + bytes(9)
    for is_answer in (False, True):
        told = ToldPorts({(HERE, 9092): 15_001})
        answers = ToldAnswers(told)
        answers.asked(request())
        begun = metadata(("localhost", 9092))
        answers.answered(struct.pack(">ii", 4, 9))  # a client is who was answered
        if is_answer:
            assert answers.answered(begun + sent) == metadata(("127.0.0.1", 15_001)) + sent
            assert answers.answered(begun) == begun
        else:
            answers.asked(sent)
            answers.asked(request(8))
            assert answers.answered(begun) == metadata(("127.0.0.1", 15_001))
        assert told.unknown == {"what a connection names that is none of Kafka's protocol"}


def test_who_never_spoke_kafkas_protocol_was_no_client_and_is_counted_alone(links: Links) -> None:
    before = proxy_state(links).strangers
    watch = ProxyWatch(Stack("scanned", Endpoints(), (), Path(), (), links=links))
    watch.count_strangers()
    with socket.create_connection(("127.0.0.1", links.links[0].port), timeout=60.0) as scan:
        scan.sendall(b"\xff" * 16)  # a size of -1
        assert scan.recv(1) == b""  # the broker hangs up

    assert proxy_state(links).strangers == before + 1
    assert watch.trouble() == ""
    (told,) = watch.told()
    watch.count_strangers()  # the next benchmark
    assert watch.told() == ()
    assert "1 connection did not speak Kafka's protocol with the" in told


def test_a_broker_on_another_host_is_known_by_its_name_whatever_its_capitals() -> None:
    told = ToldPorts({("kafka-1.example", 9092): 15_001})
    answers = ToldAnswers(told)
    answers.asked(request())

    got = answers.answered(metadata(("Kafka-1.Example", 9092), ("kafka-2.example", 9092)))

    assert got == metadata(("127.0.0.1", 15_001), ("kafka-2.example", 9092))
    assert told.unknown == {"kafka-2.example:9092"}
