"""Turn a judged window into the facts that decide its verdict, and into the row that is kept.

Add here: another fact that a window's verdict rests on. Keep out: the rules (analysis/capacity/).
"""

import json
import math

from perf_pipeline.analysis.capacity.length import counts
from perf_pipeline.analysis.capacity.search import Trial
from perf_pipeline.analysis.capacity.verdict import WindowFacts, WindowVerdict
from perf_pipeline.metrics.capacity_window import CapacityWindow
from perf_pipeline.metrics.threshold import Status, Verdict
from perf_pipeline.report.wording import beside_bound
from perf_pipeline.runs.windows import JudgedWindow
from perf_pipeline.secrecy.known import KNOWN


def facts_of(window: JudgedWindow, rate: float, length: float) -> WindowFacts:
    """Gather what the verdict on a window rests on."""
    judged = [verdict for verdict in window.verdicts if counts(verdict.threshold)]
    misses, unknown = list[str](), list[str]()
    limits = [] if window.outcome.valid else list(window.outcome.invalid_reasons)
    if window.outcome.status != "complete":
        misses += window.outcome.problems
    for verdict in judged:
        about = f"{verdict.threshold.key} {verdict.threshold.source}"
        if verdict.status is Status.FAIL:
            misses.append(f"{about} {_miss(verdict)}")
        elif verdict.status is Status.INVALID:
            limits.append(f"{about}: {verdict.reason}")
        elif verdict.status is Status.NO_DATA:
            known = unknown if verdict.observed is None else misses
            known.append(f"{about}: {verdict.reason or 'nothing was measured'}")
    return WindowFacts(
        rate=rate,
        length_s=length,
        misses=tuple(misses),
        unknown=tuple(unknown),
        limits=tuple(dict.fromkeys(limits)),
        dropped=window.dropped,
        piling=window.piling,
    )


def _miss(verdict: Verdict) -> str:
    """Say how a threshold failed: by its figure, or by what failed it although the figure holds."""
    observed = verdict.observed
    told = f"was {beside_bound(observed, verdict.threshold)}"
    is_by_figure = observed is None or not verdict.threshold.holds(observed)
    return told if is_by_figure or not verdict.reason else f"{told}, but {verdict.reason}"


def row_of(
    number: int, trial: Trial, length: float, window: JudgedWindow, verdict: WindowVerdict
) -> CapacityWindow:
    """Return what is kept of a window.

    Args:
        number: from 1, in the order of loading.
        trial: what was asked for.
        length: the length of what counts, in s.
        window: what was loaded.
        verdict: the verdict on it.
    """
    most = max(window.piling, key=lambda piling: piling.slope.per_s, default=None)
    return CapacityWindow(
        number=number,
        purpose=trial.purpose,
        rate_per_s=trial.rate,
        length_s=length,
        achieved_per_s=window.achieved_per_s,
        p95_ms=math.nan if window.p95_ms is None else window.p95_ms,
        failed_ratio=math.nan if window.failed_ratio is None else window.failed_ratio,
        dropped=window.dropped,
        growth_per_s=math.nan if most is None else most.slope.per_s,
        growth_of="" if most is None else most.what,
        cpu=json.dumps({part: round(use, 2) for part, use in window.cpu_percent.items()}),
        shown=verdict.shown,
        reason=KNOWN.mask("; ".join(verdict.reasons)),
        found="; ".join(window.found),
    )
