"""The JSON summary in the shape of k6's handleSummary (legacy), for tools that read k6's.

Shape: grafana/k6 internal/js/summary (legacy), a real one is in the tests. Differences: a metric
without values has no entry in `values` instead of zeros; `ok` is false for a missed threshold of
severity `warn` too, and `status` and `reason` beside it say which; a run has one section for each
benchmark, because percentiles of different benchmarks don't add up to one.

Add here: a field that k6's readers know. Keep out: NaN and infinity, which are no JSON.
"""

import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from perf_pipeline.analysis.baseline import Diff
from perf_pipeline.analysis.bottleneck import Finding
from perf_pipeline.metrics.catalog import CATALOG, Kind
from perf_pipeline.metrics.statistic import STATISTICS
from perf_pipeline.metrics.summary import Summary
from perf_pipeline.metrics.threshold import Status, Verdict
from perf_pipeline.report.model import BenchmarkReport, RunReport
from perf_pipeline.report.wording import summary_key

Json: TypeAlias = "Mapping[str, Json] | Sequence[Json] | str | float | bool | None"


def render_k6(report: RunReport) -> str:
    """Give the run as JSON text; see `run_summary`."""
    return json.dumps(run_summary(report), indent=1, allow_nan=False, ensure_ascii=False)


def benchmark_summary(benchmark: BenchmarkReport) -> dict[str, Json]:
    """Give one benchmark in exactly k6's shape."""
    checks = _checks(benchmark.summaries, "")
    return _document(_group("", "", checks, ()), benchmark.measured_s, _metrics(benchmark))


def run_summary(report: RunReport) -> dict[str, Json]:
    """Give the whole run in k6's shape, plus `benchmarks` and `perf_pipeline`.

    `metrics` holds every metric with a tag `benchmark`, and under its plain name as well where
    only one benchmark has it. `root_group` has one group for each benchmark. `benchmarks` holds
    each one's own summary, `perf_pipeline` what k6 has no word for.
    """
    groups = [
        _group(one.name, f"::{one.name}", _checks(one.summaries, f"::{one.name}"), ())
        for one in report.benchmarks
    ]
    document = _document(_group("", "", (), groups), report.wall_s, _run_metrics(report))
    document["benchmarks"] = {one.name: benchmark_summary(one) for one in report.benchmarks}
    document["perf_pipeline"] = _ours(report)
    return document


def _document(
    root: dict[str, Json], measured_s: float, metrics: Mapping[str, Json]
) -> dict[str, Json]:
    return {
        "root_group": root,
        "options": {
            "summaryTrendStats": list(_statistics(Kind.TREND)),
            "summaryTimeUnit": "",
            "noColor": True,
        },
        "state": {
            "isStdOutTTY": False,
            "isStdErrTTY": False,
            "testRunDurationMs": _finite(measured_s * 1_000) or 0.0,
        },
        "metrics": metrics,
    }


def _ours(report: RunReport) -> dict[str, Json]:
    return {
        "run_id": report.run_id,
        "profile": report.profile,
        "began_at": report.began_at.isoformat(),
        "target": report.target,
        "exit_code": int(report.exit_code),
        "environment": dict(report.environment),
        "notices": list(report.notices),
        "benchmarks": {
            one.name: {
                "status": str(one.status),
                "valid": one.valid,
                "invalid_reasons": list(one.invalid_reasons),
                "problems": list(one.problems),
            }
            for one in report.benchmarks
        },
        "diffs": [_diff(name, one) for name, one in report.diffs],
        "tiers": [
            {"benchmark": name, "tier": one.name, "why": one.sentence, "advice": one.advice}
            for name, one in report.attributions
        ],
        "bottlenecks": [_finding(name, one) for name, one in report.findings],
    }


def _diff(benchmark: str, one: Diff) -> dict[str, Json]:
    return {
        "benchmark": benchmark,
        "series": one.series.label,
        "status": str(one.status),
        "value": _finite(one.value),
        "median": _finite(one.noise.median),
        "runs": one.noise.n,
        "pinned": _finite(one.pinned),
        "release": one.against or None,
        "change": _finite(one.effect.change) if one.effect else None,
        "scale": str(one.effect.scale) if one.effect else None,
    }


def _finding(benchmark: str, one: Finding) -> dict[str, Json]:
    return {
        "benchmark": benchmark or None,
        "rule": one.rule,
        "tier": one.tier,
        "status": str(one.status),
        "observed": _finite(one.observed),
        "bound": _finite(one.bound),
        "unit": one.unit,
        "advice": one.advice,
    }


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _group(name: str, path: str, checks: Sequence[Json], groups: Sequence[Json]) -> dict[str, Json]:
    return {"name": name, "path": path, "id": _id(path), "groups": groups, "checks": checks}


def _id(path: str) -> str:
    # k6 names groups and checks by the MD5 of their path; nothing secret is in it.
    return hashlib.md5(path.encode(), usedforsecurity=False).hexdigest()


def _checks(summaries: Iterable[Summary], path: str) -> list[Json]:
    checks: list[Json] = []
    for each in summaries:
        if each.metric == "checks" and set(each.tags) == {"check"}:
            name = each.tags["check"]
            full = f"{path}::{name}"
            passes, fails = _ones_and_zeros(each)
            checks.append(
                {"name": name, "path": full, "id": _id(full), "passes": passes, "fails": fails}
            )
    return checks


def _ones_and_zeros(summary: Summary) -> tuple[int, int]:
    rate = _finite(summary.rate)
    count = round(_finite(summary.count) or 0)
    ones = round((rate or 0.0) * count)
    return ones, count - ones


def _run_metrics(report: RunReport) -> dict[str, Json]:
    sections = [(one.name, _metrics(one)) for one in report.benchmarks]
    metrics: dict[str, Json] = {}
    for name, section in sections:
        for key, entry in section.items():
            metrics[_with_benchmark(key, name)] = entry
            if sum(key in other for _, other in sections) == 1:
                metrics[key] = entry
    return metrics


def _with_benchmark(key: str, benchmark: str) -> str:
    metric, brace, rest = key.partition("{")
    tag = f"benchmark:{benchmark}"
    return f"{metric}{{{tag},{rest}" if brace else f"{metric}{{{tag}}}"


def _metrics(benchmark: BenchmarkReport) -> dict[str, Json]:
    values: dict[str, Json] = {}
    for summary in benchmark.summaries:
        if summary.metric in CATALOG and (of_kind := _values(summary)):
            values[summary_key(summary)] = of_kind
    verdicts: dict[str, list[Verdict]] = {}
    for verdict in benchmark.verdicts:
        verdicts.setdefault(verdict.threshold.key, []).append(verdict)
    return {
        key: _entry(key, values.get(key, {}), verdicts.get(key, ()))
        for key in dict.fromkeys((*values, *verdicts))
    }


def _entry(key: str, values: Json, verdicts: Sequence[Verdict]) -> dict[str, Json]:
    metric = CATALOG[key.partition("{")[0]]
    contains = {"ms": "time", "bytes": "data"}.get(metric.unit, "default")
    entry: dict[str, Json] = {"type": str(metric.kind), "contains": contains, "values": values}
    if verdicts:
        entry["thresholds"] = {
            each.threshold.source: {
                "ok": each.status is Status.PASS,
                "status": str(each.status),
                **({"reason": each.reason} if each.reason else {}),
            }
            for each in verdicts
        }
    return entry


def _values(summary: Summary) -> dict[str, Json]:
    kind = CATALOG[summary.metric].kind
    if kind is Kind.RATE:
        passes, fails = _ones_and_zeros(summary)
        found: dict[str, float | None] = {"rate": summary.rate, "passes": passes, "fails": fails}
        return {} if _finite(summary.rate) is None else dict(found)
    if kind is not Kind.COUNTER and summary.average is None and summary.last is None:
        return {}
    found = {name: summary.figure(name) for name in _statistics(kind)}
    return {name: value for name, value in found.items() if _finite(value) is not None}


def _statistics(kind: Kind) -> tuple[str, ...]:
    return tuple(each.name for each in STATISTICS.values() if kind in each.kinds)
