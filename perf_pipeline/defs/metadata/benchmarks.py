"""What a benchmark's asset and its checks show, and what the seeding's asset does.

Add here: another fact of one benchmark. Keep out: verdicts of a whole run (judgement.py).
Dagster concept: metadata, https://docs.dagster.io/guides/build/assets/metadata-and-tags
"""

from collections.abc import Iterable, Mapping
from typing import Final

import dagster as dg

from perf_pipeline.defs.metadata.cells import Cell, Metadata, figure, table, verdict_row
from perf_pipeline.loading.seeding import SeededRun
from perf_pipeline.metrics.catalog import CATALOG, Kind
from perf_pipeline.metrics.summary import Summary
from perf_pipeline.metrics.threshold import Status, Verdict
from perf_pipeline.report.wording import (
    number,
    observed,
    quantity,
    statistic_unit,
    summary_key,
)
from perf_pipeline.runs.benchmarking import JudgedBenchmark

_WORST_FIRST: Final = (Status.FAIL, Status.INVALID, Status.NO_DATA, Status.WARN, Status.PASS)


def seeded_metadata(seeded: SeededRun) -> Metadata:
    """Show what was seeded."""
    return {
        "COPY (rows/s)": figure(seeded.rows_per_s),
        "rows removed of earlier runs": dg.MetadataValue.int(seeded.removed),
        **{f"ids for {name}": dg.MetadataValue.int(count) for name, count in seeded.sets.items()},
        "dagster/row_count": dg.MetadataValue.int(seeded.users),
    }


def benchmark_metadata(measured: JudgedBenchmark, facts: Mapping[str, str]) -> Metadata:
    """Show a benchmark: status and verdicts first, then figures that plot, then all summaries.

    Args:
        measured: by the run.
        facts: of the run by name: profile, target, version.
    """
    outcome = measured.outcome
    trouble = "; ".join((*outcome.problems, *outcome.invalid_reasons))
    return {
        "run": dg.MetadataValue.text(measured.run_id),
        "status": dg.MetadataValue.text(outcome.status),
        "generator kept up": dg.MetadataValue.bool(outcome.valid),
        **({"trouble": dg.MetadataValue.text(trouble)} if trouble else {}),
        "verdicts": table(verdict_row(verdict) for verdict in measured.verdicts),
        "verdict": dg.MetadataValue.text(worst_of(verdict.status for verdict in measured.verdicts)),
        **{name: dg.MetadataValue.text(fact) for name, fact in facts.items()},
        **_figures(measured.summaries, measured.verdicts),
        "measured (s)": figure(outcome.measured_s),
        "summaries": table(_summary_row(summary) for summary in measured.summaries),
        "dagster/row_count": dg.MetadataValue.int(measured.ingested.samples),
    }


def worst_of(statuses: Iterable[Status]) -> str:
    """Return the gravest verdict, in the order in which a run ends (analysis/outcome.py)."""
    found = set(statuses)
    worst = next((status for status in _WORST_FIRST if status in found), None)
    return "nothing was promised" if worst is None else worst.value


def check_result(benchmark: str, name: str, verdict: Verdict) -> dg.AssetCheckResult:
    """Show one verdict as an asset check; a missed aim is a warning."""
    threshold = verdict.threshold
    is_aim = verdict.status is Status.WARN
    seen = {} if verdict.observed is None else {"observed": figure(verdict.observed)}
    sentence = f"{threshold.key} is {observed(verdict)}"
    return dg.AssetCheckResult(
        check_name=name,
        asset_key=dg.AssetKey(benchmark),
        passed=verdict.status is Status.PASS,
        severity=dg.AssetCheckSeverity.WARN if is_aim else dg.AssetCheckSeverity.ERROR,
        description=f"{verdict.status.value}: {sentence}, wanted {threshold.source}",
        metadata={
            **seen,
            "bound": dg.MetadataValue.float(threshold.bound),
            "unit": dg.MetadataValue.text(statistic_unit(threshold.metric, threshold.statistic)),
            "threshold": dg.MetadataValue.text(f"{threshold.key}: {threshold.source}"),
            "status": dg.MetadataValue.text(verdict.status.value),
            **({"reason": dg.MetadataValue.text(verdict.reason)} if verdict.reason else {}),
        },
    )


def _figures(summaries: Iterable[Summary], verdicts: Iterable[Verdict]) -> Metadata:
    """Return the numbers that are worth a plot over materialisations, the judged series first."""
    judged = {verdict.threshold.key for verdict in verdicts}
    shown = [summary for summary in summaries if not summary.tags or summary_key(summary) in judged]
    shown.sort(key=lambda summary: summary_key(summary) not in judged)
    return {
        f"{summary_key(summary)} {label} ({statistic_unit(summary.metric, label)})": figure(value)
        for summary in shown
        for label, value in _statistics(summary)
        if value is not None
    }


def _statistics(summary: Summary) -> list[tuple[str, float | None]]:
    """Choose the few statistics that move under load and do not repeat another figure."""
    metric = CATALOG[summary.metric]
    if metric.kind is Kind.TREND and metric.tags == {"source"}:
        return [("avg", summary.average), ("max", summary.maximum)]
    if metric.kind is Kind.TREND:
        p95 = summary.carried("p95")
        return [("med", summary.median), ("p(95)", p95), ("max", summary.maximum)]
    if metric.kind is Kind.COUNTER:
        return [("count", summary.count)] if metric.better == "lower" else [("rate", summary.rate)]
    return [("rate", summary.rate)] if metric.kind is Kind.RATE else [("value", summary.last)]


def _summary_row(summary: Summary) -> dict[str, Cell]:
    unit = CATALOG[summary.metric].unit
    figures = {
        "avg": summary.average,
        "med": summary.median,
        "p(95)": summary.carried("p95"),
        "p(99)": summary.carried("p99"),
        "max": summary.maximum,
        "last": summary.last,
    }
    return {
        "metric": summary_key(summary),
        "count": number(summary.count),
        "rate": quantity(summary.rate, statistic_unit(summary.metric, "rate")),
        **{name: quantity(value, unit) for name, value in figures.items()},
    }
