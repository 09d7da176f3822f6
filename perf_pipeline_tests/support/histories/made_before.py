"""Made-up runs that this process has stored before: copied, and not stored once more.

Dozens of tests begin with the same eight quiet runs, and storing a run takes a tenth of a second.
Add here: nothing. Keep out: what a made-up run is (synthetic_history.py).
"""

import shutil
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from perf_pipeline.store.state import State

_MADE: Final[dict[tuple[str, ...], Path]] = {}


def stored_once(state: Path, runs: Sequence[str], store: Callable[[int], object]) -> None:
    """Store runs in a state without a history: those that a test began with before are copied.

    Args:
        state: the folder; nothing is remembered of one that has a history already.
        runs: all that decides what each run is stored as, in order.
        store: stores all but the first ones, which were copied, and leaves the history closed.
    """
    if State(state).history_file.exists() or State(state).spool.exists():
        store(0)
        return
    known = max((made for made in _MADE if (*runs[: len(made)],) == made), key=len, default=())
    if known:
        _copy(_MADE[known], state)
    if len(known) < len(runs):
        store(len(known))
        _MADE[(*runs,)] = _kept() / str(len(_MADE))
        _copy(state, _MADE[(*runs,)])


def _copy(source: Path, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    shutil.copytree(State(source).spool, State(target).spool)
    shutil.copy2(State(source).history_file, State(target).history_file)


def _kept() -> Path:
    return Path(_folder().name)


@cache
def _folder() -> TemporaryDirectory[str]:
    return TemporaryDirectory(prefix="made-up-runs-")
