"""A new history for a test: a copy of one that the migrations have made once in this process.

Add here: nothing. Keep out: rows; and tests of how a history comes into being, which open their
own.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from perf_pipeline.store.history import History, open_history


@contextmanager
def history_at(path: Path) -> Iterator[History]:
    """Open the history of a file, and make it where there is none."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_bytes(_empty())
    with open_history(path) as history:
        yield history


@cache
def _empty() -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "history.duckdb"
        with open_history(path):
            pass
        return path.read_bytes()
