"""Frames between driver and agent, over a connection of loopback."""

import socket
import threading
from collections.abc import Iterator

import pytest

from perf_pipeline.fleet.frames import LONGEST_BYTES, FrameKind, packed
from perf_pipeline.fleet.link import HostLink

Ends = tuple[socket.socket, HostLink]


@pytest.fixture
def ends() -> Iterator[Ends]:
    """Give a socket, and the link at its other end."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        theirs = socket.create_connection(listener.getsockname())
        ours, _ = listener.accept()
    with theirs:
        link = HostLink(ours)
        yield theirs, link
        link.close()


def test_a_frame_that_comes_in_pieces_is_waited_for(ends: Ends) -> None:
    theirs, link = ends
    stream = packed(FrameKind.PART, b"x" * 100)
    theirs.sendall(stream[:50])
    rest = threading.Timer(0.1, theirs.sendall, [stream[50:]])
    rest.start()

    assert link.receive(20) == (FrameKind.PART, b"x" * 100)
    rest.join()


def test_the_longest_frame_arrives_whole(ends: Ends) -> None:
    theirs, link = ends
    payload = bytes(LONGEST_BYTES)
    sending = threading.Thread(target=theirs.sendall, args=[packed(FrameKind.INPUT, payload)])
    sending.start()

    assert link.receive(20) == (FrameKind.INPUT, payload)
    sending.join()


def test_nothing_is_told_after_the_time_that_it_may_take(ends: Ends) -> None:
    theirs, link = ends
    assert link.receive(0.01) is None

    theirs.sendall(packed(FrameKind.PING, b"12345678")[:4])
    assert link.receive(0.01) is None


def test_a_connection_that_was_closed_is_told(ends: Ends) -> None:
    theirs, link = ends
    theirs.close()

    with pytest.raises(EOFError):
        link.receive(20)
