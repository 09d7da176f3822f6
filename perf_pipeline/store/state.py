"""The state folder, which all runs of a machine share: where each kind of file is.

Add here: another kind of file. Keep out: what the files hold.
"""

from pathlib import Path


def spool_of(state: Path) -> Path:
    """Give the folder where samples wait to be ingested."""
    return state / "spool"


def history_of(state: Path) -> Path:
    """Give the history's file."""
    return state / "history.duckdb"


def reports_of(state: Path, run_id: str) -> Path:
    """Give the folder of a run's reports."""
    return state / "reports" / run_id


def spooled_benchmarks(state: Path, run_id: str) -> list[str]:
    """Give the benchmarks whose folders are in a run's spool; empty when it is not there."""
    folder = spool_of(state) / run_id
    if not folder.is_dir():
        return []
    return sorted(path.name for path in folder.iterdir() if path.is_dir())
