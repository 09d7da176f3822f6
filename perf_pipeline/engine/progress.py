"""How far a load has come, for the people who wait for it.

Add here: a number for the progress line. Keep out: verdicts, because these counts are only about
the moment.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from perf_pipeline.engine.part import ScenarioPart
from perf_pipeline.engine.recorder import OperationCount


@dataclass(frozen=True, slots=True)
class ScenarioProgress:
    """Count what a scenario has done so far, over all workers.

    Attributes:
        name: name of the scenario.
        active_vus: VUs that are running an iteration right now.
        iterations: iterations that ran to their end, warm-up included.
        dropped_iterations: planned starts that found no free VU.
        ok: operations that went well; `failed` counts the others, without interrupted ones.
        recent_per_s: iterations per second since the previous report.
        ways: how many operations failed in which way, e.g. {"status 401": 12, "refused": 3}.
    """

    name: str
    active_vus: int
    iterations: int
    dropped_iterations: int
    ok: int
    failed: int
    recent_per_s: float
    ways: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Progress:
    """Say how far a load has come.

    Attributes:
        elapsed_s: time since its start.
        planned_s: planned time, without graceful stops.
        scenarios: counts of the scenarios, in the order of the job.
    """

    elapsed_s: float
    planned_s: float
    scenarios: tuple[ScenarioProgress, ...]


@dataclass(slots=True)
class PartProgress:
    """Carry a worker's counts of a scenario through the pipe."""

    name: str
    active: int = 0
    vus: int = 0
    vus_made: int = 0
    iterations: int = 0
    measured_iterations: int = 0
    dropped: int = 0
    measured_dropped: int = 0
    interrupted: int = 0
    ok: int = 0
    failed: int = 0
    ways: dict[str, int] = field(default_factory=dict)


def progress_of(part: ScenarioPart, count: OperationCount) -> dict[str, Any]:
    """Return the counts of a part as JSON values."""
    tally = part.tally
    return asdict(
        PartProgress(
            name=part.name,
            active=tally.active,
            vus=tally.vus,
            vus_made=tally.vus_made,
            iterations=tally.iterations,
            measured_iterations=tally.measured_iterations,
            dropped=tally.dropped,
            measured_dropped=tally.measured_dropped,
            interrupted=tally.interrupted,
            ok=count.ok,
            failed=count.failed,
            ways=dict(count.ways),
        )
    )


def merge_progress(
    names: Sequence[str],
    parts: Iterable[PartProgress],
    *,
    before: Mapping[str, int],
    span_s: float,
) -> tuple[ScenarioProgress, ...]:
    """Add up the counts of the workers.

    Args:
        names: names of the scenarios, in the order of the result.
        parts: the newest counts of every worker and scenario.
        before: iterations of each scenario at the previous report.
        span_s: time since the previous report.
    """
    by_name: dict[str, list[PartProgress]] = {name: [] for name in names}
    for part in parts:
        by_name[part.name].append(part)
    return tuple(_merge(name, by_name[name], before.get(name, 0), span_s) for name in names)


def _merge(name: str, parts: list[PartProgress], before: int, span_s: float) -> ScenarioProgress:
    iterations = sum(part.iterations for part in parts)
    return ScenarioProgress(
        name=name,
        active_vus=sum(part.active for part in parts),
        iterations=iterations,
        dropped_iterations=sum(part.dropped for part in parts),
        ok=sum(part.ok for part in parts),
        failed=sum(part.failed for part in parts),
        recent_per_s=(iterations - before) / span_s if span_s > 0 else 0.0,
        ways=sum((Counter(part.ways) for part in parts), Counter()),
    )
