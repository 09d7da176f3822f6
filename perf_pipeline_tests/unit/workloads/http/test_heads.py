"""Answers whose head was met before: taken without the parser exactly where it says the same.

A wire that remembers no head is the oracle of one that does. Add here: another form of answer.
"""

import asyncio
import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perf_pipeline.workloads.http.heads import KNOWN_HEADS
from perf_pipeline.workloads.http.http1 import Http1Wire

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nX-A: b\r\n\r\n"
ANSWERS = (
    OK + b"abcd",
    OK + b"efgh",
    OK + b"abcdef",  # two bytes too many
    OK + b"abc",  # one too few
    OK + b"abcd" + OK + b"efgh",  # nobody asked for the second one
    b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nabcd",
    b"HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\nabcd",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\n",
    b"HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\nabcd",
    b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"abcd",
    b"HTTP/1.1 100 Continue\r\nContent-Length: 49\r\n\r\n" + OK + b"abcd",
    b"HTTP/1.1 200 OK\r\n\r\nuntil the end",
    b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcd",
    b"HTTP/1.1 200 OK\r\nContent-Length: +4\r\n\r\nabcd",
    b"HTTP/1.1 200 OK\nContent-Length: 4\n\nabcd",
    b"HTTP/9.9 oh\r\n\r\n",
    b"\r\n\r\n",
)


class Transport:
    """Take what is written."""

    def write(self, data: bytes) -> None: ...

    def set_write_buffer_limits(self, high: int) -> None: ...

    def is_closing(self) -> bool:
        return False

    def abort(self) -> None: ...


@pytest.fixture(autouse=True)
def nothing_known() -> Iterator[None]:
    KNOWN_HEADS.clear()
    yield
    KNOWN_HEADS.clear()


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


def opened(loop: asyncio.AbstractEventLoop, limit: int = 1_000) -> Http1Wire:
    wire = Http1Wire(loop, limit)
    wire.connection_made(Transport())  # type: ignore[arg-type]  # all that a wire uses of one
    return wire


def seen(wire: Http1Wire, pieces: list[bytes], *, is_head: bool = False) -> tuple[Any, ...]:
    """Exchange, and give all that a result tells but the time."""
    answer = wire.exchange(b"GET", is_head_request=is_head, timeout_ns=10**12)
    for piece in pieces:
        wire.data_received(piece)
    error = answer.result() if answer.done() else None
    told = (error, wire.status, list(wire.headers), wire.body, wire.bytes_in, wire.is_open)
    wire.abort()
    wire._loop = None  # type: ignore[assignment]  # nothing of it is used again
    return told


def cut(answer: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted({place % len(answer) for place in places} - {0}), len(answer)]
    return [answer[begin:end] for begin, end in itertools.pairwise(edges)]


@settings(max_examples=400, deadline=None)
@given(
    exchanges=st.lists(
        st.tuples(
            st.sampled_from(ANSWERS),
            st.lists(st.integers(0, 200), max_size=2),
            st.booleans(),
            st.sampled_from([3, 1_000]),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_a_wire_that_remembers_sees_what_one_that_does_not_sees(
    exchanges: list[tuple[bytes, list[int], bool, int]],
) -> None:
    loop = asyncio.new_event_loop()
    for answer, places, is_head, limit in exchanges:
        pieces = cut(answer, places)
        oracle = opened(loop, limit)
        oracle._heads = {}
        expected = seen(oracle, pieces, is_head=is_head)
        assert seen(opened(loop, limit), pieces, is_head=is_head) == expected
    loop.close()


def test_the_second_answer_with_a_head_needs_no_parser(loop: asyncio.AbstractEventLoop) -> None:
    seen(opened(loop), [OK + b"abcd"])
    wire = opened(loop)
    wire._parser = None  # type: ignore[assignment]  # calling it is an error

    told = seen(wire, [OK + b"efgh"])

    headers = [(b"Content-Length", b"4"), (b"X-A", b"b")]
    assert told == ("", 200, headers, b"efgh", len(OK) + 4, True)


@pytest.mark.parametrize("answer", ANSWERS[5:])
def test_only_plain_answers_are_remembered(answer: bytes, loop: asyncio.AbstractEventLoop) -> None:
    seen(opened(loop), [answer])

    # one with a body of no bytes; all others leave how long they are to something else
    assert bool(KNOWN_HEADS) is (answer == ANSWERS[5])


def test_heads_that_never_come_again_are_not_looked_for(loop: asyncio.AbstractEventLoop) -> None:
    wire = opened(loop)
    for number in range(1_000):
        answer = wire.exchange(b"GET", is_head_request=False, timeout_ns=10**12)
        wire.data_received(OK[:-2] + b"X-Request-Id: %d\r\n\r\nabcd" % number)
        assert answer.result() == ""

    assert len(KNOWN_HEADS) == 63
    wire.abort()


def test_no_more_heads_are_kept_than_a_thousand(loop: asyncio.AbstractEventLoop) -> None:
    for number in range(3_000):
        seen(opened(loop), [OK[:-2] + b"X-Request-Id: %d\r\n\r\nabcd" % number])

    assert 0 < len(KNOWN_HEADS) <= 1_024
