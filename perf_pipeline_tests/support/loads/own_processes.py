"""The processes under this one, as tests look at them.

Add here: another question about processes. Keep out: ending any.
"""

from collections.abc import Iterator

import psutil


def command_lines(
    process: psutil.Process | None = None,
) -> Iterator[tuple[psutil.Process, list[str]]]:
    """Yield every live descendant with its words; one that has ended, or a zombie, has none."""
    for child in (process or psutil.Process()).children(recursive=True):
        try:
            yield child, child.cmdline()
        except psutil.NoSuchProcess:  # ZombieProcess is one
            continue
