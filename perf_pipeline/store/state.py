"""The state folder, which all runs of a machine share, and the place of each kind of file.

Add here: another kind of file. Keep out: what the files hold.
"""

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from perf_pipeline.store.history import History

WAIT_S: Final = 30.0
"""How long a query waits for another process that has the history open."""


@dataclass(frozen=True, slots=True)
class State:
    """Know the places in the state folder, and open the history that is in it.

    Attributes:
        folder: the folder of everything that runs leave behind.
    """

    folder: Path

    @property
    def spool(self) -> Path:
        """Return the folder where samples wait to be ingested."""
        return self.folder / "spool"

    @property
    def live(self) -> Path:
        """Return the folder of the newest run's live stream."""
        return self.folder / "live"

    @property
    def history_file(self) -> Path:
        """Return the history's file."""
        return self.folder / "history.duckdb"

    def reports(self, run_id: str) -> Path:
        """Return the folder of a run's reports."""
        return self.folder / "reports" / run_id

    def spooled_runs(self) -> list[Path]:
        """Return the folders of all runs in the spool; empty where there is no spool."""
        return (
            [path for path in self.spool.iterdir() if path.is_dir()] if self.spool.is_dir() else []
        )

    def spooled_benchmarks(self, run_id: str) -> list[str]:
        """Return the benchmarks whose folders are in a run's spool; empty when it is not there."""
        run = self.spool / run_id
        return sorted(path.name for path in run.iterdir() if path.is_dir()) if run.is_dir() else []

    @contextmanager
    def history(self, *, wait_s: float = WAIT_S) -> "Iterator[History]":
        """Open the history for this process alone; create it or update its schema if needed.

        Raises:
            StoreBusyError: another process had it open all the time; the sentence names it.
            PerfPipelineError: it is damaged, newer than this code, or cannot be opened.
        """
        # Only here: DuckDB takes a tenth of a second, and `--help` knows the folder without it.
        from perf_pipeline.store.history import open_history  # noqa: PLC0415

        with open_history(self.history_file, wait_s=wait_s) as history:
            yield history
