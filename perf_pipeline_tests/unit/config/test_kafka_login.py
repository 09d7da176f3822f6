"""A listener that answers a login in another form than its mechanism is told in a sentence."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from perf_pipeline.config.kafka_login import log_in
from perf_pipeline.config.safety import NOBODY
from perf_pipeline.errors import TargetUnavailableError

SETTINGS = {
    "security.protocol": "SASL_PLAINTEXT",
    "sasl.mechanism": "SCRAM-SHA-256",
    "sasl.username": "u",
    "sasl.password": "p",
}
SCRAM = b"\x00\x0dSCRAM-SHA-256"
HANDSHAKE = struct.pack(">hi", 0, 1) + SCRAM


def _framed(body: bytes) -> bytes:
    return struct.pack(">ii", len(body) + 4, 1) + body


def _read(connection: socket.socket) -> bytes:
    (size,) = struct.unpack(">i", connection.recv(4, socket.MSG_WAITALL))
    return connection.recv(size, socket.MSG_WAITALL)


@contextmanager
def listening(answer: Callable[[str], str]) -> Iterator[socket.socket]:
    """Give a connection to a listener that takes SCRAM; `answer` gets the client's nonce."""
    ours, theirs = socket.socketpair()

    def serve() -> None:
        _read(theirs)
        theirs.sendall(_framed(HANDSHAKE))
        nonce = _read(theirs).decode(errors="replace").rpartition("r=")[2]
        said = answer(nonce).encode()
        head = struct.pack(">hh", 0, -1) + struct.pack(">i", len(said))
        theirs.sendall(_framed(head + said))

    thread = threading.Thread(target=serve)
    thread.start()
    with ours, theirs:
        yield ours
        thread.join()


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (lambda _: "", "its answer has no r and no s and no i (RFC 5802)"),
        (lambda nonce: f"r={nonce}x,s=c2FsdA==", "its answer has no i (RFC 5802)"),
        (lambda nonce: f"hello,{nonce}", "its answer has no r"),
        (lambda _: "r=other,s=c2FsdA==,i=4096", "begins with another nonce than ours"),
        (lambda nonce: f"r={nonce}x,s=!!,i=4096", "has a salt that is not Base64"),
        (lambda nonce: f"r={nonce}x,s=c2FsdA==,i=0", "asks for '0' rounds; 1,000,000 is the most"),
        (lambda nonce: f"r={nonce}x,s=c2FsdA==,i=99999999999", "asks for '99999999999' rounds"),
        (lambda nonce: f"r={nonce}x,s=c2FsdA==,i=x", "asks for 'x' rounds"),
        (lambda _: "e=unknown-user", "refuses the given user and password"),
    ],
    ids=["nothing", "no rounds", "no fields", "nonce", "salt", "zero", "many", "text", "refused"],
)
def test_a_scram_answer_in_another_form_is_told(
    answer: Callable[[str], str], sentence: str
) -> None:
    with listening(answer) as connection, pytest.raises(TargetUnavailableError) as caught:
        log_in(connection, "b:9092", SETTINGS, NOBODY)

    assert sentence in caught.value.sentence
    assert caught.value.sentence.startswith("the listener at b:9092 ")
