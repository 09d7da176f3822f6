"""Send the spool of a worker from its host while the worker writes it.

Add here: another kind of file of a worker. Keep out: receiving (arriving.py).
"""

import json
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final
from zlib import crc32

from perf_pipeline.fleet.frames import FrameKind
from perf_pipeline.metrics.spool_rows import KINDS_PREFIX

CHUNK_HEAD: Final = struct.Struct("<HQI")
"""Length of the file's name, place of the bytes, and their CRC-32; name and bytes follow."""
_DATA_BYTES: Final = 256 * 1024
_HEAD_BYTES: Final = 4_096

Send = Callable[[FrameKind, bytes], None]


class DepartingSpool:
    """Send the parts that a worker appended to its files since the last call.

    Args:
        folder: the folder to which only the worker writes.
        send: sends a frame.
    """

    def __init__(self, folder: Path, send: Send) -> None:
        self._folder = folder
        self._send = send
        self._sent: dict[str, int] = {}

    def send_new(self) -> None:
        """Send new parts.

        A kind is written before its first row. So the sizes of rows are read before those of kinds,
        and kinds are sent first; then nobody ever sees a row without its kind.
        """
        found = [path.name for path in self._folder.iterdir()]
        names = sorted(found, key=lambda name: name.startswith(KINDS_PREFIX))
        sizes = {name: (self._folder / name).stat().st_size for name in names}
        for name in reversed(names):
            self._send_until(name, sizes[name])

    def send_rest(self) -> None:
        """Send the rest of the closed files, and their sums."""
        self.send_new()
        for name in sorted(self._sent):
            # A worker writes the head of packed rows last (spool_writer.py).
            with (self._folder / name).open("rb") as file:
                self._send_chunk(name, 0, file.read(_HEAD_BYTES))
        sums = {name: sum_of_file(self._folder / name) for name in self._sent}
        self._send(FrameKind.SUMS, json.dumps(sums).encode())

    def _send_until(self, name: str, size: int) -> None:
        if name not in self._sent:
            self._send_chunk(name, 0, b"")  # so that empty files arrive as well
        at = self._sent.get(name, 0)
        with (self._folder / name).open("rb") as file:
            file.seek(at)
            for data in _pieces(file.read, size - at):
                self._send_chunk(name, at, data)
                at += len(data)
        self._sent[name] = at

    def _send_chunk(self, name: str, at: int, data: bytes) -> None:
        encoded = name.encode()
        self._send(FrameKind.CHUNK, CHUNK_HEAD.pack(len(encoded), at, crc32(data)) + encoded + data)


def _pieces(read: Callable[[int], bytes], left: int) -> Iterator[bytes]:
    while left > 0 and (data := read(min(left, _DATA_BYTES))):
        left -= len(data)
        yield data


def sum_of_file(path: Path) -> tuple[int, int]:
    """Return a file's size and CRC-32."""
    size, crc = 0, 0
    with path.open("rb") as file:
        while data := file.read(_DATA_BYTES):
            size, crc = size + len(data), crc32(data, crc)
    return size, crc
