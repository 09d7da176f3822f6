"""Hold what the driver knows about a worker on another host.

Add here: another fact that only the connection to a host shows. Keep out: the connection itself
(fleet/), and what follows from the facts (health.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from perf_pipeline.engine.worker_start import Child


@dataclass(frozen=True, slots=True)
class HostAccount:
    """Hold what is known of a worker's host when its load is over.

    Attributes:
        host: the name of the host.
        clock_error_ms: the largest difference between its times and the driver's, after they were
            corrected by what was observed of its clock before, during and after the load.
        clock_behind_ms: how far its clock fell behind during the load, so that starts were late.
        clock_moved_ms: how far its clock fell behind or got ahead; its times were corrected by
            this.
        clock_step_ms: how far somebody set its wall clock during the load.
        machine: the shares of the host's time that others used (machine_time.py).
        away_s: how long its connection was lost before it was restored; 0 if it never was.
        incident: which of its measurements did not arrive, and why; empty if all did.
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
        """Return how much later a start may have been than the host's clock shows."""
        return self.clock_behind_ms + self.clock_error_ms


@runtime_checkable
class DistantChild(Child, Protocol):
    """Describe a worker on another host; the driver talks to it as to any other worker."""

    @property
    def host(self) -> str:
        """Return the name of its host."""
        ...

    def fit(self, order: Mapping[str, Any]) -> Mapping[str, Any]:
        """Bring the files to the host, start the worker, and return the order as it is there.

        Raises:
            PerfPipelineError: the host can't start it; the sentence names the host.
        """
        ...

    def begin(self) -> None:
        """Reset the findings about the host, because the load begins."""
        ...

    def settle(self) -> None:
        """Wait until everything that the worker measured is here, or is known to be lost."""
        ...

    def account(self) -> HostAccount:
        """Return what is known of its host by now."""
        ...
