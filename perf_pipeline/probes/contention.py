"""What others take of this machine, and how fast its CPUs run.

Add here: another sign that a neighbour is at work. Keep out: what is used (host.py), and timing
work of our own (calibration.py).
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

import psutil

_PRESSURE: Final = Path("/proc/pressure")
_RESOURCES: Final = ("cpu", "io", "memory")


def waited_us(folder: Path = _PRESSURE) -> Mapping[str, int]:
    """Give for how long so far some task waited for each resource, in µs.

    Empty where the kernel does not tell (before Linux 4.20, `psi=0`, many containers).
    Source: Linux, Documentation/accounting/psi.rst.
    """
    return dict(_waited(folder))


def _waited(folder: Path) -> Iterator[tuple[str, int]]:
    for resource in _RESOURCES:
        with suppress(OSError, ValueError):
            for line in (folder / resource).read_text(encoding="ascii").splitlines():
                kind, _, fields = line.partition(" ")
                if kind == "some":
                    yield resource, int(fields.rpartition("total=")[2])


def cpu_mhz() -> float | None:
    """Give the present frequency of the CPUs, their mean; None where nobody tells."""
    with suppress(OSError, NotImplementedError, AttributeError, ValueError):
        found = psutil.cpu_freq()
        if found is not None and found.current > 0:
            return float(found.current)
    return None
