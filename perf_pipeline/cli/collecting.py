"""Collect garbage rarely while commands run that only look back.

They import a thousand modules and read a hundred thousand rows, all of which stay until they end;
looking for garbage among these took a fifth of the time of their imports, and doing so once, as the
command ended, another 0.06 s. Commands that load a target keep the usual setting, because their
workers would have longer pauses.
Add here: nothing. Keep out: the engine, which has its own rules (engine/worker.py).
"""

import gc
from collections.abc import Callable
from functools import wraps
from typing import Final, ParamSpec, TypeVar

_P = ParamSpec("_P")
_R = TypeVar("_R")
_NEW_OBJECTS: Final = 1_000_000
_SOON_LOOKED_AT: Final = 20_000  # new objects, in less time than counting a million frozen ones


def collects_rarely(command: Callable[_P, _R]) -> Callable[_P, _R]:
    """Let garbage be looked for after a million new objects, not 700, until the command ends."""

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
    """Treat what is there as if it had been looked at: most of it goes with the process."""
    if gc.get_count()[0] < _SOON_LOOKED_AT:
        return
    if not gc.get_freeze_count():  # else somebody wants some of it never to be looked at
        gc.freeze()
        gc.unfreeze()
