"""Write the JSON summary in the format of k6's handleSummary (legacy), for tools that read k6's.

Format: grafana/k6 internal/js/summary (legacy); the tests contain a real one. Differences: metrics
    without values have no zeros; `ok` is also false for a missed `warn`, as `status` and `reason`
    say; a run has one section for each benchmark, because percentiles cannot be merged.

Add here: a field that readers of k6's summary know. Keep out: facts that k6 does not have
(k6_own.py), and NaN and infinity, which are not JSON.
"""

import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from perf_pipeline.metrics.catalog import CATALOG, Kind
from perf_pipeline.metrics.statistic import STATISTICS
from perf_pipeline.metrics.summary import Summary
from perf_pipeline.metrics.threshold import Status, Verdict
from perf_pipeline.report.k6_own import Json, finite, own_section
from perf_pipeline.report.model import BenchmarkReport, RunReport
from perf_pipeline.report.wording import summary_key

# A metric and its content share a line; breaking lines with the library is ten times slower.
_BROKEN_LEVELS: Final = 4
_WRITTEN: Final = json.JSONEncoder(allow_nan=False, ensure_ascii=False).encode


def render_k6(report: RunReport) -> str:
    """Write the run as JSON with one metric per line; see `run_summary`."""
    return _lines(run_summary(report), _BROKEN_LEVELS)


def _lines(part: Json, levels: int, indent: str = "") -> str:
    if type(part) is float and math.isfinite(part):  # mostly; the library takes 10 us for each
        return float.__repr__(part)
    if levels == 0 or not isinstance(part, Mapping) or not part:
        return _WRITTEN(part)
    deeper = f"{indent} "
    members = [
        f"{deeper}{_WRITTEN(name)}: {_lines(member, levels - 1, deeper)}"
        for name, member in part.items()
    ]
    return "{\n" + ",\n".join(members) + f"\n{indent}}}"


def benchmark_summary(
    benchmark: BenchmarkReport, metrics: Mapping[str, Json] | None = None
) -> dict[str, Json]:
    """Return a benchmark in exactly k6's format.

    Args:
        benchmark: a measured benchmark.
        metrics: its metrics in that format; None to work them out.
    """
    root = _group("", "", _checks(benchmark.summaries, ""), ())
    found = _metrics(benchmark) if metrics is None else metrics
    return _document(root, benchmark.measured_s, found)


def run_summary(report: RunReport) -> dict[str, Json]:
    """Return the whole run in k6's format, plus `benchmarks` and `perf_pipeline`.

    `metrics` holds every metric with a tag `benchmark`, and also under its plain name if only one
    benchmark has it. `root_group` has a group for each benchmark. `benchmarks` holds the summary of
    each benchmark, and `perf_pipeline` holds facts that k6 does not have.
    """
    groups = [
        _group(
            benchmark.name,
            f"::{benchmark.name}",
            _checks(benchmark.summaries, f"::{benchmark.name}"),
            (),
        )
        for benchmark in report.benchmarks
    ]
    sections = {benchmark.name: _metrics(benchmark) for benchmark in report.benchmarks}
    document = _document(_group("", "", (), groups), report.wall_s, _run_metrics(sections))
    document["benchmarks"] = {
        benchmark.name: benchmark_summary(benchmark, sections[benchmark.name])
        for benchmark in report.benchmarks
    }
    document["perf_pipeline"] = own_section(report)
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
            "testRunDurationMs": finite(measured_s * 1_000) or 0.0,
        },
        "metrics": metrics,
    }


def _group(name: str, path: str, checks: Sequence[Json], groups: Sequence[Json]) -> dict[str, Json]:
    return {"name": name, "path": path, "id": _id(path), "groups": groups, "checks": checks}


def _id(path: str) -> str:
    # k6 identifies groups and checks by the MD5 of their path, which is not secret.
    return hashlib.md5(path.encode(), usedforsecurity=False).hexdigest()


def _checks(summaries: Iterable[Summary], path: str) -> list[Json]:
    checks: list[Json] = []
    for summary in summaries:
        if summary.metric == "checks" and set(summary.tags) == {"check"}:
            name = summary.tags["check"]
            full = f"{path}::{name}"
            passes, fails = _ones_and_zeros(summary)
            checks.append(
                {"name": name, "path": full, "id": _id(full), "passes": passes, "fails": fails}
            )
    return checks


def _ones_and_zeros(summary: Summary) -> tuple[int, int]:
    rate = finite(summary.rate)
    count = round(finite(summary.count) or 0)
    ones = round((rate or 0.0) * count)
    return ones, count - ones


def _run_metrics(sections: Mapping[str, Mapping[str, Json]]) -> dict[str, Json]:
    metrics: dict[str, Json] = {}
    for name, section in sections.items():
        for key, entry in section.items():
            metrics[_with_benchmark(key, name)] = entry
            if sum(key in other for other in sections.values()) == 1:
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
            verdict.threshold.source: {
                "ok": verdict.status is Status.PASS,
                "status": str(verdict.status),
                **({"reason": verdict.reason} if verdict.reason else {}),
            }
            for verdict in verdicts
        }
    return entry


def _values(summary: Summary) -> dict[str, Json]:
    kind = CATALOG[summary.metric].kind
    if kind is Kind.RATE:
        passes, fails = _ones_and_zeros(summary)
        found: dict[str, float | None] = {"rate": summary.rate, "passes": passes, "fails": fails}
        return {} if finite(summary.rate) is None else dict(found)
    if kind is not Kind.COUNTER and summary.average is None and summary.last is None:
        return {}
    found = {name: summary.figure(name) for name in _statistics(kind)}
    return {name: value for name, value in found.items() if finite(value) is not None}


def _statistics(kind: Kind) -> tuple[str, ...]:
    return tuple(statistic.name for statistic in STATISTICS.values() if kind in statistic.kinds)
