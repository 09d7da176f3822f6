"""Show the progress of a load, as one line for people and as figures for programs.

Add here: a figure of the moment. Keep out: what follows from it (progress.py).
"""

from collections.abc import Iterator
from typing import Any

from perf_pipeline.engine.progress import Progress, ScenarioProgress
from perf_pipeline.report.wording import plural


def line_of(progress: Progress) -> str:
    """Return the progress of a load in one line."""
    parts = "; ".join(map(_scenario, progress.scenarios))
    return f"{progress.elapsed_s:.0f} s, {parts}"


def figures_of(
    run_id: str, benchmark: str, progress: Progress, benchmark_s: float
) -> dict[str, Any]:
    """Return the progress of a load as JSON values.

    Args:
        run_id: the id of the run, or of a benchmark's re-run.
        benchmark: the benchmark that is running.
        progress: the progress of its load.
        benchmark_s: the time since the benchmark's origin, from which its samples and readings
            count.
    """
    return {
        "run_id": run_id,
        "benchmark": benchmark,
        "benchmark_s": benchmark_s,
        "elapsed_s": progress.elapsed_s,
        "scenarios": [scenario.as_json() for scenario in progress.scenarios],
    }


def _scenario(scenario: ScenarioProgress) -> str:
    if scenario.planned.begins_in_s > 0:
        return f"{scenario.name} begins in {scenario.planned.begins_in_s:.0f} s"
    return f"{scenario.name} {', '.join(_figures(scenario))}"


def _figures(scenario: ScenarioProgress) -> Iterator[str]:
    planned = scenario.planned
    if scenario.is_over:
        yield f"done, {scenario.ok:,} ok"
    else:
        against = "" if planned.per_s is None else f" of {planned.per_s:,.0f}"
        yield f"{scenario.recent_per_s:,.0f}{against}/s"
        if planned.iterations is not None:
            yield f"{scenario.iterations:,} of {planned.iterations:,} iterations"
        yield f"{plural(scenario.active_vus, 'VU')} busy"
        if scenario.recent_p95_ms is not None:
            yield f"p95 {_ms(scenario.recent_p95_ms)}"
    yield f"{scenario.failed:,} failed"
    if scenario.dropped_iterations:
        yield f"{scenario.dropped_iterations:,} dropped"
    if not scenario.is_over:
        yield f"lag {_ms(scenario.recent_lag_ms)}"
        yield _left(scenario)


def _left(scenario: ScenarioProgress) -> str:
    if scenario.left_s <= 0:
        return "ending"
    has_no_pace = scenario.planned.iterations is not None and not scenario.recent_per_s
    return f"{'at most ' if has_no_pace else ''}{scenario.left_s:,.0f} s left"


def _ms(value: float) -> str:
    """Write milliseconds with as many digits as are meaningful.

    >>> _ms(0.42), _ms(3.14), _ms(1234.5)
    ('0.4 ms', '3.1 ms', '1,234 ms')
    """
    return f"{value:,.1f} ms" if value < 100 else f"{value:,.0f} ms"
