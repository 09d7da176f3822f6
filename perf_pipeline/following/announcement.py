"""Say where the page of a state folder is served, for those who start a run beside it.

Add here: nothing. Keep out: serving.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Final

from perf_pipeline.store.held_file import is_held, new_held_file
from perf_pipeline.store.state import State

_PAGE: Final = "page"


@contextmanager
def announced(state: State, address: str) -> Iterator[None]:
    """Let others know an address until the block ends; the newest page is the one that is known."""
    with ExitStack() as held:
        with suppress(OSError):  # a folder that cannot be written: nobody knows of the page
            file = held.enter_context(new_held_file(state.live / _PAGE))
            # Whoever has the address can stop the run, also where a team may read the rest.
            os.fchmod(file.fileno(), 0o600)
            file.write(address.encode())
        yield


def page_of(state: State) -> str:
    """Return the address of the page that is served for a state folder; empty without one."""
    try:
        with (state.live / _PAGE).open("rb") as file:
            return file.read().decode(errors="replace") if is_held(file) else ""
    except OSError:
        return ""
