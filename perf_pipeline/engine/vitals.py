"""A record of what a worker measured about itself, which it sends to the driver.

Add here: another figure that shows whether the generator kept up. Keep out: measuring it
(watch.py), and what follows from it (health.py).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Vitals:
    """Hold what a worker measured about itself during its load.

    Attributes:
        watched_s: how long it was watched.
        cpu_ratio: average CPU use of the event loop's thread, as a share of one core.
        cpu_process_ratio: CPU use of all threads, as a share of one core.
        cpu_wait_ratio: share of the time that the event loop's thread was ready to run, but had no
            core (Linux); 0 if unknown.
        cpu_busy_s: the longest time in a row that the CPU use was above its limit.
        stall_longest_ms: the longest pause of the event loop.
        stall_total_ms: the sum of all pauses above 20 ms.
        starts: starts of the open model that had a free VU.
        late_starts: starts that were later than the limit for the p95.
        very_late_starts: starts that were later than the limit for the p99.
        late_drops: starts dropped more than 20 ms after their time, which is our own fault.
        schedule_lag_p50_ms: how late starts were, in the median; p95, p99 and maximum follow.
        open_files: the most descriptors that were open at the same time; `open_files_limit` is the
            system's limit.
        exceptions: iterations that raised an exception.
        first_exception: the type, text and place of the first of them.
        log: the file with its traceback.
        doubts: what ended all iterations of a scenario, in one sentence for each such scenario.
        deaf_to_cancellation: iterations that ignored being cancelled.
        own_limits: operations that failed because this machine lacked ports, descriptors or memory.
        local_ports: the number of ports for connections to one address; 0 if unknown.
        notes: sentences about the target's answers, and how many times each was noted.
    """

    watched_s: float = 0.0
    cpu_ratio: float = 0.0
    cpu_process_ratio: float = 0.0
    cpu_wait_ratio: float = 0.0
    cpu_busy_s: float = 0.0
    stall_longest_ms: float = 0.0
    stall_total_ms: float = 0.0
    starts: int = 0
    late_starts: int = 0
    very_late_starts: int = 0
    late_drops: int = 0
    schedule_lag_p50_ms: float = 0.0
    schedule_lag_p95_ms: float = 0.0
    schedule_lag_p99_ms: float = 0.0
    schedule_lag_max_ms: float = 0.0
    open_files: int = 0
    open_files_limit: int = 0
    exceptions: int = 0
    first_exception: str = ""
    log: str = ""
    doubts: Sequence[str] = ()
    deaf_to_cancellation: int = 0
    own_limits: int = 0
    local_ports: int = 0
    notes: Mapping[str, int] = field(default_factory=dict)


def vitals_from_json(values: Mapping[str, Any]) -> Vitals:
    """Read back the JSON of `dataclasses.asdict(vitals)`."""
    return Vitals(**values)


def with_clock_error(vitals: Vitals, error_ms: float) -> Vitals:
    """Add the uncertainty of a host's clock to the lag of its starts, if it had any."""
    if not vitals.starts:
        return vitals
    return replace(
        vitals,
        schedule_lag_p50_ms=vitals.schedule_lag_p50_ms + error_ms,
        schedule_lag_p95_ms=vitals.schedule_lag_p95_ms + error_ms,
        schedule_lag_p99_ms=vitals.schedule_lag_p99_ms + error_ms,
        schedule_lag_max_ms=vitals.schedule_lag_max_ms + error_ms,
    )
