"""Read a benchmark's readings while they are written: each look reads only what is new.

Add here: nothing but reading. Keep out: what a reading means (take.py).
"""

import csv
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

Row = tuple[int, str, str, float]


class ReadingsTail:
    """Remember how far each file of readings was read.

    Args:
        folder: the folder of the benchmark in the spool; it need not be there yet.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read_bytes: dict[str, int] = {}

    def new_rows(self) -> Iterator[Row]:
        """Yield µs since the origin, source, name and value of readings that are new."""
        for path in sorted(self._folder.glob("readings-*.csv")):
            for row in csv.reader(self._new_lines(path)):
                with suppress(ValueError):  # the heading, and a damaged row
                    at_us, source, name, value = row
                    yield int(at_us), source, name, float(value)

    def _new_lines(self, path: Path) -> list[str]:
        begin = self._read_bytes.get(path.name, 0)
        try:
            with path.open("rb") as file:
                file.seek(begin)
                new = file.read()
        except OSError:
            return []
        whole = new[: new.rfind(b"\n") + 1]
        self._read_bytes[path.name] = begin + len(whole)
        return whole.decode(errors="replace").splitlines()
