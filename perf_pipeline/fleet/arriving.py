"""Receive the spool of a worker on another host: chunks with checksums, and final sums.

Files have the same names and bytes as on the host, so that readers of a growing spool see the same
as for a worker on this machine. Add here: another check of arriving data. Keep out: connections
(distant_worker.py), and sending (departing.py).
"""

import json
import os
import re
from collections.abc import Collection
from contextlib import ExitStack
from pathlib import Path
from zlib import crc32

from perf_pipeline.fleet.corrected_spool import Shifts, SpoolCorrection
from perf_pipeline.fleet.departing import CHUNK_HEAD, sum_of_file


class ArrivingSpool:
    """Write arriving data, and only files of one worker and step.

    Args:
        folder: the folder of the benchmark in the spool.
        step: the step of the benchmark.
        worker: the number of the worker.
    """

    def __init__(self, folder: Path, step: str, worker: int) -> None:
        self._folder = folder
        self._own = f"{step}-{worker}"
        own = re.escape(self._own)
        self._names = re.compile(
            rf"((kinds-)?(samples|iterations)-{own}\.(npy|csv)|ledger-{own}\.csv|seal-{own}\.json)"
        )
        self._open = ExitStack()
        self._fds: dict[str, int] = {}

    def take(self, payload: bytes) -> None:
        """Write a chunk to its place.

        Raises:
            ValueError: the chunk is damaged, or belongs to a file that is not this worker's.
            OSError: the chunk can't be written.
        """
        length, at, expected = CHUNK_HEAD.unpack_from(payload)
        name = payload[CHUNK_HEAD.size : CHUNK_HEAD.size + length].decode()
        data = memoryview(payload)[CHUNK_HEAD.size + length :]
        if crc32(data) != expected:
            raise ValueError(f"a chunk of {name} arrived damaged")
        fd = self._fd(name)
        while data:
            written = os.pwrite(fd, data, at)
            data, at = data[written:], at + written

    def _fd(self, name: str) -> int:
        if not self._names.fullmatch(name):
            raise ValueError(f"it sent {name[:100]!r}, which is not a file of this worker")
        if name not in self._fds:
            flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
            self._fds[name] = os.open(self._folder / name, flags, 0o644)
            self._open.callback(os.close, self._fds[name])
        return self._fds[name]

    def missing(self, payload: bytes) -> list[str]:
        """Name the files that differ from the host's final sums."""
        told: dict[str, list[int]] = json.loads(payload)
        return sorted(
            name
            for name, (size, crc) in told.items()
            if name not in self._fds or sum_of_file(self._folder / name) != (size, crc)
        )

    def correct(self, shifts: Shifts, planned: Collection[str]) -> None:
        """Correct the times in the complete files, because the worker's clock drifted.

        Raises:
            OSError: a file can't be read or written.
            ValueError: a file is not as its worker wrote it.
        """
        SpoolCorrection(self._folder, self._own, shifts, planned).apply()

    def close(self) -> None:
        """Close the files."""
        self._open.close()
        self._fds = {}
