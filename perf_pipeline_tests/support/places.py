"""Where the suite keeps things: the checkout, what was downloaded, a state folder for each process.

Add here: another place that several tests need. Keep out: what happens there.
"""

import os
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
CACHE: Final = ROOT / ".perf" / "cache"


def worker() -> str:
    """Give pytest-xdist's name of this process; empty where one process does everything."""
    return os.environ.get("PYTEST_XDIST_WORKER", "")


def new_state(folder: Path) -> Path:
    """Make a state folder that shares nothing with other runs but the downloaded jars."""
    CACHE.mkdir(parents=True, exist_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    link = folder / "cache"
    if not link.exists():
        link.symlink_to(CACHE, target_is_directory=True)
    return folder


def own_state() -> Path:
    """Give this process's own state folder."""
    return new_state(ROOT / ".perf" / f"tests{worker()}")
