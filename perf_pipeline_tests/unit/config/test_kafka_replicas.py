"""Requests about the replicas of partitions, byte by byte as Kafka's protocol guide has them."""

import socket
import struct
import threading
from collections.abc import Callable
from typing import TypeVar

import pytest

from perf_pipeline.config.kafka_replicas import is_reassigned_now, reorder_replicas
from perf_pipeline.config.kafka_wire import varint, varint_at

T = TypeVar("T")
# Size, key, version, correlation id 1, no client id, no tagged fields.
HEAD = "{size:08x} {key:04x} 0000 00000001 ffff 00"


def told(answer: str, ask: Callable[[socket.socket], T]) -> tuple[str, T]:
    """Ask one who gives this answer; return what he was asked, and what was made of the answer."""
    ours, theirs = socket.socketpair()
    asked = list[bytes]()

    def serve() -> None:
        (size,) = struct.unpack(">i", head := theirs.recv(4, socket.MSG_WAITALL))
        asked.append(head + theirs.recv(size, socket.MSG_WAITALL))
        body = bytes.fromhex("00000001" + answer)
        theirs.sendall(struct.pack(">i", len(body)) + body)

    with ours, theirs:
        thread = threading.Thread(target=serve)
        thread.start()
        found = ask(ours)
        thread.join()
    return asked[0].hex(), found


def plain(text: str) -> str:
    return text.replace(" ", "")


def test_another_order_is_asked_for_in_compact_arrays_and_refusals_come_back_by_partition() -> None:
    # Time limit 10 s; one topic "a" (a length plus 1); partitions 0: brokers 2, 1 and 3: 1, 2.
    body = "00002710 02 0261 03 00000000 03 00000002 00000001 00"
    body += "00000003 03 00000001 00000002 00 00 00"
    # No tags; throttled for 0 ms; no error and no message; "a": 0 is well, 3 is refused with 39
    # (INVALID_REPLICA_ASSIGNMENT) and the message "b".
    answer = "00 00000000 0000 00 02 0261 03 00000000 0000 00 00 00000003 0027 0262 00 00 00"

    asked, refused = told(
        plain(answer), lambda it: reorder_replicas(it, "a", {0: (2, 1), 3: (1, 2)}, 10_000)
    )

    size = 11 + len(bytes.fromhex(plain(body)))
    assert asked == plain(HEAD.format(size=size, key=45) + body)
    assert refused == {3: 39}


def test_a_request_that_is_refused_as_a_whole_is_refused_for_all_partitions() -> None:
    # 31: CLUSTER_AUTHORIZATION_FAILED
    _, refused = told(
        plain("00 00000000 001f 00 01 00"),
        lambda it: reorder_replicas(it, "a", {0: (2, 1), 3: (1, 2)}, 10_000),
    )

    assert refused == {0: 31, 3: 31}


@pytest.mark.parametrize(
    ("topics", "is_moved"),
    [
        # "a", partition 0: replicas 1 and 2, of them 2 added, none removed.
        ("02 0261 02 00000000 03 00000001 00000002 02 00000002 01 00 00", True),
        ("01", False),
    ],
)
def test_a_partition_that_is_being_moved_is_listed(topics: str, *, is_moved: bool) -> None:
    body = "00002710 02 0261 02 00000000 00 00"

    asked, found = told(
        plain(f"00 00000000 0000 00 {topics} 00"),
        lambda it: is_reassigned_now(it, "a", [0], 10_000),
    )

    size = 11 + len(bytes.fromhex(plain(body)))
    assert asked == plain(HEAD.format(size=size, key=46) + body)
    assert found is is_moved


# The example of Protocol Buffers, whose varints Kafka's are: 150 is 0x96 0x01.
@pytest.mark.parametrize(("value", "written"), [(0, "00"), (127, "7f"), (150, "9601")])
def test_a_number_of_variable_length_comes_back(value: int, written: str) -> None:
    assert varint(value).hex() == written
    assert varint_at(bytes.fromhex(f"ff{written}"), 1) == (value, 1 + len(written) // 2)
