"""Read which messages were promised, from the ledgers that load workers are still writing.

Add here: another question to a ledger that still grows. Keep out: counting (store/).
"""

import csv
from pathlib import Path
from typing import Final

from perf_pipeline.metrics.sample import LEDGER_COLUMNS, LedgerEvent

_PATTERN: Final = "ledger-*.csv"


class PromisedIds:
    """Follow the ledgers of a benchmark's folder.

    Args:
        folder: the folder of the benchmark, in the spool.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[Path, int] = {}

    def fresh(self) -> list[tuple[str, int]]:
        """Return id and time of each promise that was written since the last call."""
        found: list[tuple[str, int]] = []
        for path in sorted(self._folder.glob(_PATTERN)):
            with path.open("rb") as file:
                file.seek(self._read.get(path, 0))
                text = file.read()
            whole = text[: text.rfind(b"\n") + 1]
            self._read[path] = self._read.get(path, 0) + len(whole)
            # An id is printable, so it contains no line end.
            rows = csv.reader(whole.decode(errors="replace").splitlines())
            found += [
                (row[0], int(row[2]))
                for row in rows
                if len(row) == len(LEDGER_COLUMNS) and row[1] == LedgerEvent.ACKNOWLEDGED
            ]
        return found
