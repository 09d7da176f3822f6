"""Hosts of a fleet that only repeat what one real load worker said and wrote, at its own pace.

The agent's side of the protocol is spoken for as many hosts as connect, by one process without
threads, so that a driver can be measured with more hosts than this machine could run.
`python -m perf_pipeline_tests.benchmarks.recorded_hosts FOLDER [CA CERTIFICATE KEY]` prints its
port; with certificates it speaks TLS.

Add here: another thing that a host says. Keep out: what is measured (bench_fleet.py).
"""

import asyncio
import json
import re
import ssl
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from zlib import crc32

from perf_pipeline.fleet.departing import CHUNK_HEAD
from perf_pipeline.fleet.encryption import server_context
from perf_pipeline.fleet.frames import FrameKind, FrameReader, packed
from perf_pipeline.metrics.spool_seal import SEAL_PREFIX, sealed, unsealed

SPEECH_FILE: Final = "speech.json"
_CHUNK_BYTES: Final = 256 * 1024
_SEND_EVERY_S: Final = 0.5
_RECORDED: Final = re.compile(r"(?<=-)0(?=\.)")
"""The number of the recorded worker in the names of its files."""


@dataclass(frozen=True, slots=True)
class Recording:
    """Hold what a worker said and wrote.

    Attributes:
        before: what it said before the load began.
        during: what it said afterwards, each with the s from the beginning of the load.
        files: what it wrote, by name.
    """

    before: bytes
    during: list[tuple[float, bytes]]
    files: dict[str, bytes]

    @classmethod
    def read(cls, folder: Path) -> "Recording":
        """Read what `bench_fleet` recorded."""
        told = json.loads((folder / SPEECH_FILE).read_text(encoding="utf-8"))
        files = {path.name: path.read_bytes() for path in folder.iterdir()}
        del files[SPEECH_FILE]
        during = [(at_s, text.encode()) for at_s, text in told["during"]]
        return cls(told["before"].encode(), during, files)

    def files_of(self, worker: int) -> dict[str, bytes]:
        """Return the files as this worker would have named them; its seal names them as well."""
        return {
            _RECORDED.sub(str(worker), name): (
                sealed(_RECORDED.sub(str(worker), unsealed(data)[0])).encode()
                if name.startswith(SEAL_PREFIX)
                else data
            )
            for name, data in self.files.items()
        }


class RecordedHost:
    """Speak as the agent of one host.

    Args:
        recording: what it repeats.
        reader: of the connection.
        writer: of the connection.
    """

    def __init__(
        self, recording: Recording, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._recording = recording
        self._reader = reader
        self._writer = writer
        self._order = b""
        self._received = 0
        self._speaking: asyncio.Task[None] | None = None

    async def serve(self) -> None:
        """Answer the driver until it leaves."""
        frames = FrameReader()
        with suppress(ConnectionError):
            while data := await self._reader.read(_CHUNK_BYTES):
                for kind, payload in frames.fed(data):
                    self._take(kind, payload)
        if self._speaking is not None:
            self._speaking.cancel()
        self._writer.close()

    def _send(self, kind: FrameKind, payload: bytes) -> None:
        self._writer.write(packed(kind, payload))

    def _take(self, kind: FrameKind, payload: bytes) -> None:
        self._received += kind not in (FrameKind.HELLO, FrameKind.PING, FrameKind.BYE)
        match kind:
            case FrameKind.HELLO:
                self._send(FrameKind.HOST, b'{"folder": "/nowhere"}')
            case (
                FrameKind.PING
            ):  # it begins with what the driver has, which nothing is sent again of
                now, has = time.monotonic_ns(), self._received
                told = has.to_bytes(8, "little") + payload[8:] + now.to_bytes(8, "little")
                self._send(FrameKind.PONG, told)
            case FrameKind.FILES:
                self._send(FrameKind.LACKS, b"[]")
            case FrameKind.START:
                self._send(FrameKind.STARTED, b'{"pid": 1}')
            case FrameKind.INPUT if not self._order.endswith(b"\n"):
                self._order += payload
                if self._order.endswith(b"\n"):
                    self._send(FrameKind.OUTPUT, self._recording.before)
            case FrameKind.BEGIN:
                self._speaking = asyncio.create_task(self._speak())
            case _:  # its worker would take it
                pass

    async def _speak(self) -> None:
        """Say what was said, and send the files as they would have grown."""
        began_s = time.monotonic()
        files = self._recording.files_of(json.loads(self._order)["worker"])
        last_s = self._recording.during[-1][0]
        said, sent_s = list(self._recording.during), 0.0
        while said:
            now_s = time.monotonic() - began_s
            while said and said[0][0] <= now_s:
                self._send(FrameKind.OUTPUT, said.pop(0)[1])
            if now_s - sent_s >= _SEND_EVERY_S:
                self._grow(files, sent_s / last_s, min(now_s / last_s, 1.0))
                sent_s = now_s
            await asyncio.sleep(0.05)
        self._grow(files, sent_s / last_s, 1.0)
        sums = {name: (len(data), crc32(data)) for name, data in files.items()}
        self._send(FrameKind.SUMS, json.dumps(sums).encode())
        done = {"code": 0, "machine": {}, "clock_step_ms": 0.0}
        self._send(FrameKind.EXIT, json.dumps(done).encode())

    def _grow(self, files: dict[str, bytes], since: float, until: float) -> None:
        """Send the bytes between two shares of each file's length."""
        for name, data in files.items():
            for at, piece in _pieces(data, round(len(data) * since), round(len(data) * until)):
                head = CHUNK_HEAD.pack(len(name), at, crc32(piece))
                self._send(FrameKind.CHUNK, head + name.encode() + piece)


def _pieces(data: bytes, at: int, until: int) -> Iterator[tuple[int, bytes]]:
    for start in range(at, until, _CHUNK_BYTES):
        yield start, data[start : min(start + _CHUNK_BYTES, until)]


async def _serve(recording: Recording, tls: ssl.SSLContext | None) -> None:
    server = await asyncio.start_server(
        lambda reader, writer: RecordedHost(recording, reader, writer).serve(),
        "127.0.0.1",
        0,
        backlog=512,
        ssl=tls,
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await asyncio.to_thread(sys.stdin.read)  # until whoever started it leaves


if __name__ == "__main__":
    parts = dict(zip(("ca", "cert", "key"), sys.argv[2:], strict=False))
    asyncio.run(_serve(Recording.read(Path(sys.argv[1])), server_context(parts) if parts else None))
