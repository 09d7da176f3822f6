"""Commands that only look back: Python looks for garbage rarely while they run.

They import a thousand modules and read a hundred thousand rows, all of which stay until they end;
to look for garbage among these took a fifth of their imports. No command that loads anything does
so, because its workers would have longer pauses.
Add here: nothing. Keep out: the engine, which has its own rules (engine/worker.py).
"""

import gc
from collections.abc import Callable
from functools import wraps
from typing import Final, ParamSpec, TypeVar

_P = ParamSpec("_P")
_R = TypeVar("_R")
_NEW_OBJECTS: Final = 100_000


def collects_rarely(command: Callable[_P, _R]) -> Callable[_P, _R]:
    """Let garbage be looked for after 100,000 new objects and not 700, until the command ends."""

    @wraps(command)
    def rarely(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        usual = gc.get_threshold()
        gc.set_threshold(_NEW_OBJECTS, *usual[1:])
        try:
            return command(*args, **kwargs)
        finally:
            gc.set_threshold(*usual)

    return rarely
