"""Say in sentences how much of the machine others used during a load.

Add here: another share of the machine's time. Keep out: measuring it (machine_time.py), and what
the workers saw of themselves (health.py).
"""

from collections.abc import Iterator, Mapping
from typing import Final

# As with pauses of the event loop, this share of the time hits 1 of 20 operations.
THROTTLED_LIMIT_RATIO: Final = 0.05
# From here on, a reader must know that others used the machine; pauses and lag show the effect.
STEAL_TOLD_RATIO: Final = 0.1
# On a machine that also runs the servers, something waits for a core most of the time. So this only
# explains a limit that was reached, and is not a note of its own.
PRESSURE_TOLD_RATIO: Final = 0.5


def throttling_reasons(machine: Mapping[str, float], place: str) -> Iterator[str]:
    """Yield a sentence if a CPU limit held the load generator back."""
    throttled = machine.get("cpu_throttled_ratio", 0.0)
    if throttled > THROTTLED_LIMIT_RATIO:
        yield (
            f"the CPU limit of {place} held the load generator back for {throttled:.0%} of the "
            f"time (limit {THROTTLED_LIMIT_RATIO:.0%}); give it more CPU, or use a lower rate"
        )


def stolen(machine: Mapping[str, float], place: str) -> Iterator[str]:
    """Yield a sentence if other machines had much of the CPU's time."""
    steal = machine.get("cpu_steal_ratio", 0.0)
    if steal > STEAL_TOLD_RATIO:
        yield (
            f"during the load the hypervisor gave other machines {steal:.0%} of the CPU time of "
            f"{place} (steal)"
        )


def waited_for(machine: Mapping[str, float], place: str) -> Iterator[str]:
    """Yield a sentence if something waited for a CPU, which explains pauses."""
    pressure = machine.get("cpu_pressure_ratio", 0.0)
    if pressure > PRESSURE_TOLD_RATIO:
        yield (
            f"during {pressure:.0%} of the load some process on {place} was waiting for a CPU (PSI)"
        )
