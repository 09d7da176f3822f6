"""Hold what the driver knows about a worker on another host.

Add here: another fact that only the way to a host can tell. Keep out: the way itself (fleet/), and
what follows from the facts (health.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from perf_pipeline.engine.worker_start import Child


@dataclass(frozen=True, slots=True)
class HostAccount:
    """Hold what is known of a worker's host when its load is over.

    Attributes:
        host: its name.
        clock_error_ms: how far its times can be from the driver's, at most, after they were
            corrected by what was seen of its clock before, during and after the load.
        clock_behind_ms: how far its clock fell behind during the load, so that starts were late.
        clock_moved_ms: how far its clock fell behind or got ahead, by which its times were
            corrected.
        clock_step_ms: how far somebody set its wall clock during the load.
        machine: shares of the host's time that others used (machine_time.py).
        away_s: for how long its connection was lost, before it was taken up again; 0 where it was
            not.
        incident: which of its measurements did not arrive, and why; empty where all of them did.
    """

    host: str
    clock_error_ms: float = 0.0
    clock_behind_ms: float = 0.0
    clock_moved_ms: float = 0.0
    clock_step_ms: float = 0.0
    machine: Mapping[str, float] = field(default_factory=dict)
    away_s: float = 0.0
    incident: str = ""

    @property
    def maybe_late_ms(self) -> float:
        """Return how much later than by its own clock a start can have been."""
        return self.clock_behind_ms + self.clock_error_ms


@runtime_checkable
class DistantChild(Child, Protocol):
    """Describe a worker on another host, which is talked to as to any other."""

    @property
    def host(self) -> str:
        """Return the name of its host."""
        ...

    def fit(self, order: Mapping[str, Any]) -> Mapping[str, Any]:
        """Bring the files to the host, start the worker, and return the order as it is there.

        Raises:
            PerfPipelineError: the host can't do it; the sentence names the host.
        """
        ...

    def begin(self) -> None:
        """Reset the findings about the host, because the load begins."""
        ...

    def settle(self) -> None:
        """Wait until all that the worker measured is here, or is known to be lost."""
        ...

    def account(self) -> HostAccount:
        """Return what is known of its host by now."""
        ...
