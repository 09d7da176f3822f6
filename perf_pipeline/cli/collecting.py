"""Collect garbage rarely during commands that only read stored runs.

They import a thousand modules and read a hundred thousand rows, all of which stay until the end.
Looking for garbage among these took a fifth of the import time, and another 0.06 s once at the end
of the command. Commands that load a target keep the usual setting, because their workers would have
longer pauses.
Add here: nothing. Keep out: the engine, which has its own rules (engine/worker.py).
"""

import gc
from collections.abc import Callable
from functools import wraps
from typing import Final, ParamSpec, TypeVar

_P = ParamSpec("_P")
_R = TypeVar("_R")
_NEW_OBJECTS: Final = 1_000_000
_SOON_LOOKED_AT: Final = 20_000  # new objects; faster than counting frozen ones


def collects_rarely(command: Callable[_P, _R]) -> Callable[_P, _R]:
    """Collect garbage only after a million new objects instead of 700, until the command ends."""

    @wraps(command)
    def rarely(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        usual = gc.get_threshold()
        gc.set_threshold(_NEW_OBJECTS, *usual[1:])
        try:
            return command(*args, **kwargs)
        finally:
            _count_as_old()
            gc.set_threshold(*usual)

    return rarely


def _count_as_old() -> None:
    """Treat existing objects as already examined, since most live until the process ends."""
    if gc.get_count()[0] < _SOON_LOOKED_AT:
        return
    if not gc.get_freeze_count():  # otherwise somebody has frozen objects on purpose
        gc.freeze()
        gc.unfreeze()
