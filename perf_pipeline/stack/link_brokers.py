"""Rewrite the addresses of brokers in their answers, so that clients go to a proxy's ports.

A client of Kafka asks one broker where all of them are, and connects there. So the answers with
addresses are read on their way, and written anew with the proxy's ports. Versions whose addresses
stand deep in an answer with messages (KIP-951), or that nobody here knows, are left out of the list
of versions that a broker supports, and no client asks for them.
Sources: Kafka's protocol guide and message definitions (Metadata v0 to v13, FindCoordinator v0 to
v6, DescribeCluster v0 to v2, ApiVersions v0 to v5).
Add here: another answer that holds addresses. Keep out: moving bytes (link_connection.py), and
imports of clients; the proxy stands beside a measurement.
"""

import struct
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from perf_pipeline.config.kafka_wire import text, text_at, varint, varint_at
from perf_pipeline.stack.told_ports import ToldPorts

_PRODUCE, _FETCH, _METADATA, _COORDINATOR, _VERSIONS, _CLUSTER = 0, 1, 3, 10, 18, 60
_SHARE_FETCH, _SHARE_ACKNOWLEDGE = 78, 79
_UNSUPPORTED: Final = 35
_SIZE: Final = struct.Struct(">i")
_REQUEST: Final = struct.Struct(">ihhi")
_RESPONSE: Final = struct.Struct(">ii")
_LAST: Final = MappingProxyType(
    {_PRODUCE: 9, _FETCH: 15, _METADATA: 13, _COORDINATOR: 6, _CLUSTER: 2}
)
_LEFT_OUT: Final = frozenset({_SHARE_FETCH, _SHARE_ACKNOWLEDGE})
_FLEXIBLE_FROM: Final = MappingProxyType({_METADATA: 9, _COORDINATOR: 3, _CLUSTER: 0, _VERSIONS: 3})


class ToldAnswers:
    """Follow one connection to a broker, and rewrite the addresses in its answers.

    Frames too short for a header are tokens of a login after SaslHandshake v0, which are sent bare;
    an empty one is the usual answer to PLAIN. A size below 0 is none of the protocol: from there on
    bytes are passed on as they are. Where no answer came before, it is no client of Kafka's.

    Args:
        told: where clients are to go.
    """

    def __init__(self, told: ToldPorts) -> None:
        self._told = told
        self._expected = dict[int, tuple[int, int]]()
        self._requests, self._skipped = bytearray(), 0
        self._answers, self._passed = bytearray(), 0
        self._follows_requests = self._follows_answers = True
        self._was_answered = False

    def asked(self, data: bytes) -> None:
        """Note which answers will hold addresses, by what a client sends."""
        if self._skipped >= len(data):
            self._skipped -= len(data)
            return
        waiting = self._requests
        waiting += data
        while self._follows_requests:
            taken = min(self._skipped, len(waiting))
            del waiting[:taken]
            self._skipped -= taken
            if len(waiting) < _SIZE.size:
                return
            (size,) = _SIZE.unpack_from(waiting)
            self._follows_requests = self._is_size(size)
            if _SIZE.size + size >= _REQUEST.size:
                if len(waiting) < _REQUEST.size:
                    return
                self._note(waiting)
            self._skipped = _SIZE.size + size
        waiting.clear()
        self._skipped = 0

    def _note(self, request: bytearray) -> None:
        _, key, version, number = _REQUEST.unpack_from(request)
        if key in _READ:
            self._expected[number] = key, version

    def answered(self, data: bytes) -> bytes:
        """Return what a client is to get of what a broker sent; the rest when it has all come."""
        if self._passed >= len(data):
            self._passed -= len(data)
            return data
        waiting, ready = self._answers, bytearray()
        waiting += data
        while self._follows_answers:
            taken = min(self._passed, len(waiting))
            ready += waiting[:taken]
            del waiting[:taken]
            self._passed -= taken
            if len(waiting) < _SIZE.size:
                return bytes(ready)
            (size,) = _SIZE.unpack_from(waiting)
            self._follows_answers = self._is_size(size)
            has_number = _SIZE.size + size >= _RESPONSE.size
            self._was_answered |= self._follows_answers
            if not self._expected or not has_number:
                self._passed = _SIZE.size + size
                continue
            if len(waiting) < _RESPONSE.size:
                return bytes(ready)
            _, number = _RESPONSE.unpack_from(waiting)
            if number not in self._expected:
                self._passed = _SIZE.size + size
            elif len(waiting) < _SIZE.size + size:
                return bytes(ready)
            else:
                ready += self._rewritten(bytes(waiting[4 : 4 + size]), number)
                del waiting[: 4 + size]
        ready += waiting
        waiting.clear()
        self._passed = 0
        return bytes(ready)

    def _is_size(self, size: int) -> bool:
        """Say whether a frame can have this size; one that can't be is noted for people."""
        if size < 0 and self._was_answered:
            self._told.unknown.add("what a connection names that is none of Kafka's protocol")
        elif size < 0:
            self._told.strangers += 1
        return size >= 0

    def _rewritten(self, answer: bytes, number: int) -> bytes:
        key, version = self._expected.pop(number)
        reading = _Answer(answer, self._told, is_flexible=version >= _FLEXIBLE_FROM[key])
        try:
            _READ[key](reading, version)
        except (struct.error, IndexError, UnicodeError):
            self._told.unknown.add("what an answer names that can't be read")
            return struct.pack(">i", len(answer)) + answer
        written = reading.written()
        return struct.pack(">i", len(written)) + written


class _Answer:
    """Read an answer from its begin, behind its number, and keep all of it but what is replaced."""

    def __init__(self, data: bytes, told: ToldPorts, *, is_flexible: bool) -> None:
        self.is_flexible = is_flexible
        self._data, self._told = data, told
        self._at, self._kept = 4, 0
        self._written = bytearray()

    def number(self, form: str) -> int:
        (value,) = struct.unpack_from(form, self._data, self._at)
        self._at += struct.calcsize(form)
        return int(value)

    def skip(self, size: int) -> None:
        self._at += size

    def count(self) -> int:
        if not self.is_flexible:
            return self.number(">i")
        value, self._at = varint_at(self._data, self._at)
        return value - 1

    def text(self) -> str:
        """Read a text; empty where there is none."""
        if not self.is_flexible:
            found, self._at = text_at(self._data, self._at)
            return found
        begin = self._at
        size = self.count()
        begin, self._at = self._at, self._at + max(0, size)
        return self._data[begin : self._at].decode()

    def tags(self) -> None:
        """Read what newer versions may add, in the coding that has it."""
        if not self.is_flexible:
            return
        tags, self._at = varint_at(self._data, self._at)
        for _ in range(tags):
            _, self._at = varint_at(self._data, self._at)
            size, self._at = varint_at(self._data, self._at)
            self._at += size

    def address(self) -> None:
        """Replace a host and its port."""
        begin = self._at
        host, port = self._told.instead_of(self.text(), self.number(">i"))
        coded = varint(len(host.encode()) + 1) + host.encode() if self.is_flexible else text(host)
        self.replace(begin, coded + struct.pack(">i", port))

    def entry(self) -> bytes:
        """Read an entry of the list of versions as it is."""
        begin = self._at
        self.skip(6)
        self.tags()
        return self._data[begin : self._at]

    def here(self) -> int:
        return self._at

    def replace(self, begin: int, by: bytes) -> None:
        """Put something in the place of all that was read since."""
        self._written += self._data[self._kept : begin] + by
        self._kept = self._at

    def written(self) -> bytes:
        return bytes(self._written) + self._data[self._kept :]


def _metadata(answer: _Answer, version: int) -> None:
    answer.tags()
    answer.skip(4 if version >= 3 else 0)  # the time of throttling
    for _ in range(answer.count()):
        answer.skip(4)
        answer.address()
        if version >= 1:
            answer.text()  # the rack
        answer.tags()


def _coordinator(answer: _Answer, version: int) -> None:
    answer.tags()
    answer.skip(4 if version >= 1 else 0)
    if version < 4:
        answer.skip(2)
        if version >= 1:
            answer.text()  # of the error
        answer.skip(4)
        answer.address()
        return
    for _ in range(answer.count()):
        answer.text()
        answer.skip(4)
        answer.address()
        answer.skip(2)
        answer.text()
        answer.tags()


def _cluster(answer: _Answer, version: int) -> None:
    answer.tags()
    answer.skip(6)
    answer.text()
    answer.skip(1 if version >= 1 else 0)
    answer.text()
    answer.skip(4)
    for _ in range(answer.count()):
        answer.skip(4)
        answer.address()
        answer.text()
        answer.skip(1 if version >= 2 else 0)
        answer.tags()


def _versions(answer: _Answer, _: int) -> None:
    """Shorten the list of versions; the header of this answer never has tags."""
    if answer.number(">h") == _UNSUPPORTED:
        answer.is_flexible = False  # a broker that does not know the version answers with v0
    begin = answer.here()
    kept = list[bytes]()
    for _ in range(answer.count()):
        entry = answer.entry()
        key, low, high = struct.unpack_from(">hhh", entry)
        last = min(high, _LAST.get(key, high))
        if key not in _LEFT_OUT and low <= last:
            kept.append(struct.pack(">hhh", key, low, last) + entry[6:])
    count = varint(len(kept) + 1) if answer.is_flexible else struct.pack(">i", len(kept))
    answer.replace(begin, count + b"".join(kept))


_READ: Final[Mapping[int, Callable[[_Answer, int], None]]] = MappingProxyType(
    {_METADATA: _metadata, _COORDINATOR: _coordinator, _VERSIONS: _versions, _CLUSTER: _cluster}
)
