"""The part of a run's JSON summary that k6 does not have: verdicts, causes, differences, costs.

Add here: a field that only our own readers know. Keep out: the format of k6's summary (k6.py).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TypeAlias

from perf_pipeline.analysis.baseline import Diff
from perf_pipeline.analysis.causes import Cause
from perf_pipeline.analysis.finding import Finding
from perf_pipeline.report import first_screen, headline
from perf_pipeline.report.costs import cost_values
from perf_pipeline.report.model import RunReport, Withheld
from perf_pipeline.report.searches import search_values

Json: TypeAlias = Mapping[str, "Json"] | Sequence["Json"] | str | float | bool | None


def own_section(report: RunReport) -> dict[str, Json]:
    """Return the section `perf_pipeline` of a run's summary."""
    return {
        "run_id": report.run_id,
        "profile": report.profile,
        "began_at": report.began_at.isoformat(),
        "target": report.target,
        "exit_code": int(report.exit_code),
        "ended": headline.ended(report),
        "verdict": first_screen.verdict_sentence(report),
        "revision": dict(report.revision),
        "tags": dict(report.tags),
        "environment": dict(report.environment),
        "notices": list(report.notices),
        "benchmarks": {
            benchmark.name: {
                "status": str(benchmark.status),
                "valid": benchmark.valid,
                "invalid_reasons": list(benchmark.invalid_reasons),
                "problems": list(benchmark.problems),
                "faults": [asdict(fault) for fault in benchmark.faults],
                "growth": [asdict(growth) for growth in benchmark.growth],
                **search_values(benchmark),
            }
            for benchmark in report.benchmarks
        },
        "gate": _gate(report.withheld),
        "causes": [_cause(cause) for cause in report.causes],
        "diffs": [_diff(name, diff) for name, diff in report.diffs],
        "tiers": [
            {"benchmark": name, "tier": tier.name, "why": tier.sentence, "advice": tier.advice}
            for name, tier in report.attributions
        ],
        "costs": cost_values(report.costs),
        "slow_requests": [asdict(request) for request in report.slow_requests],
        "bottlenecks": [_finding(name, finding) for name, finding in report.findings],
    }


def finite(value: float | None) -> float | None:
    """Return a value, or None if JSON can't write it."""
    return value if value is not None and math.isfinite(value) else None


def _gate(held: Withheld | None) -> dict[str, Json]:
    if held is None:
        return {"status": "DECIDED"}
    return {
        "status": "WITHHELD",
        "series": held.series,
        "compared": held.compared,
        "reasons": list(held.reasons),
        "since": held.since,
        "runs_in_a_row": held.in_a_row,
        "new_level": held.new_level or None,
        "needs_decision": held.needs_decision,
        "fails": held.ends_with_failure,
    }


def _cause(cause: Cause) -> dict[str, Json]:
    benchmark, leading = cause.leading
    return {
        "status": str(cause.status),
        "tier": cause.tier or None,
        "benchmark": benchmark,
        "series": leading.series.label,
        "against": leading.against or None,
        "others": [
            {"benchmark": name, "series": other.series.label, "status": str(other.status)}
            for name, other in cause.others
        ],
    }


def _diff(benchmark: str, diff: Diff) -> dict[str, Json]:
    return {
        "benchmark": benchmark,
        "series": diff.series.label,
        "status": str(diff.status),
        "value": finite(diff.value),
        "median": finite(diff.noise.median),
        "runs": diff.noise.n,
        "pinned": finite(diff.pinned),
        "release": diff.against or None,
        "change": finite(diff.effect.change) if diff.effect else None,
        "scale": str(diff.effect.scale) if diff.effect else None,
    }


def _finding(benchmark: str, finding: Finding) -> dict[str, Json]:
    return {
        "benchmark": benchmark or None,
        "rule": finding.rule,
        "tier": finding.tier,
        "status": str(finding.status),
        "observed": finite(finding.observed),
        "bound": finite(finding.bound),
        "unit": finding.unit,
        "advice": finding.advice,
    }
