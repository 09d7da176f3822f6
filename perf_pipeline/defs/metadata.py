"""From domain values to Dagster's metadata: numbers that plot over materialisations, and tables.

Add here: how a domain value looks in the UI. Keep out: working anything out.
Dagster concept: metadata, https://docs.dagster.io/guides/build/assets/metadata-and-tags
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Final

import dagster as dg

from perf_pipeline.analysis.attribution import Attribution
from perf_pipeline.analysis.baseline import Diff, DiffStatus
from perf_pipeline.analysis.bottleneck import Finding, FindingStatus
from perf_pipeline.loading.seeding import SeededRun
from perf_pipeline.metrics.catalog import CATALOG, Kind
from perf_pipeline.metrics.summary import Summary
from perf_pipeline.metrics.threshold import Status, Verdict
from perf_pipeline.report.diff_texts import DiffTexts
from perf_pipeline.report.model import RunReport
from perf_pipeline.report.why import troubles
from perf_pipeline.report.wording import (
    ABSENT,
    OUTCOMES,
    number,
    observed,
    quantity,
    statistic_unit,
    summary_key,
    words,
)
from perf_pipeline.runs.benchmarking import JudgedBenchmark
from perf_pipeline.runs.confirm import Confirmation, outcome_of

GATE: Final = "gate"
_WORST_FIRST: Final = (Status.FAIL, Status.INVALID, Status.NO_DATA, Status.WARN, Status.PASS)
Metadata = dict[str, dg.MetadataValue]
Cell = str | float | int | bool | None


def seeded_metadata(seeded: SeededRun) -> Metadata:
    """Show what was seeded."""
    return {
        "COPY (rows/s)": _figure(seeded.rows_per_s),
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
        "verdicts": _table(_verdict_row(one) for one in measured.verdicts),
        "verdict": dg.MetadataValue.text(worst_of(one.status for one in measured.verdicts)),
        **{name: dg.MetadataValue.text(fact) for name, fact in facts.items()},
        **_figures(measured.summaries, measured.verdicts),
        "measured (s)": _figure(outcome.measured_s),
        "summaries": _table(_summary_row(one) for one in measured.summaries),
        "dagster/row_count": dg.MetadataValue.int(measured.ingested.samples),
    }


def worst_of(statuses: Iterable[Status]) -> str:
    """Give the verdict of all together, in the order in which a run ends (analysis/outcome.py)."""
    found = set(statuses)
    worst = next((one for one in _WORST_FIRST if one in found), None)
    return "nothing was promised" if worst is None else worst.value


def verdicts_metadata(run_id: str, verdicts: Mapping[str, Sequence[Verdict]]) -> Metadata:
    """Show the verdicts of a run, and how many of each status there are."""
    everything = [one for several in verdicts.values() for one in several]
    return {
        "run": dg.MetadataValue.text(run_id),
        **_counts(Status, [one.status for one in everything]),
        "verdicts": _table(
            {"benchmark": benchmark, **_verdict_row(one)}
            for benchmark, several in verdicts.items()
            for one in several
        ),
    }


def confirmation_metadata(run_id: str, found: Sequence[Confirmation]) -> Metadata:
    """Show each suspect with what its re-runs said, and the verdict of all together."""
    reruns = sorted({rerun for one in found for rerun in one.attempts})
    return {
        "run": dg.MetadataValue.text(run_id),
        "outcome": dg.MetadataValue.text(outcome_of(found)),
        "suspects": dg.MetadataValue.int(len(found)),
        "re-runs": dg.MetadataValue.int(len(reruns)),
        **_counts(DiffStatus, [one.verdict.status for one in found]),
        "confirmation": _table(
            {
                "benchmark": one.benchmark,
                "series": one.suspect.series.label,
                "change": DiffTexts.of(one.benchmark, one.suspect).change,
                **{
                    f"re-run {number}": words(one.attempts.get(rerun, ABSENT))
                    for number, rerun in enumerate(reruns, 1)
                },
                "verdict": words(one.verdict.status),
                "reason": one.verdict.reason,
            }
            for one in found
        ),
    }


def diffs_metadata(run_id: str, diffs: Sequence[tuple[str, Diff]]) -> Metadata:
    """Show how a run differs from its baselines."""
    return {
        "run": dg.MetadataValue.text(run_id),
        **_counts(DiffStatus, [one.status for _, one in diffs]),
        "diffs": _table(_diff_row(*pair) for pair in diffs),
    }


def findings_metadata(
    run_id: str,
    findings: Sequence[tuple[str, Finding]],
    attributions: Sequence[tuple[str, Attribution]],
) -> Metadata:
    """Show which tier holds the latency, then the checklist with its evidence and what to do."""
    return {
        "run": dg.MetadataValue.text(run_id),
        "tiers": _table(
            {
                "benchmark": benchmark,
                "tier": one.name,
                "why": one.sentence,
                "advice": one.advice,
            }
            for benchmark, one in attributions
        ),
        **_counts(FindingStatus, [one.status for _, one in findings]),
        "findings": _table(
            {
                "benchmark": benchmark or "whole run",
                "tier": one.tier,
                "rule": one.rule,
                "status": one.status.value,
                "observed": quantity(one.observed, one.unit),
                "bound": quantity(one.bound, one.unit),
                "evidence": one.evidence,
                "advice": one.advice,
            }
            for benchmark, one in findings
        ),
    }


def report_metadata(report: RunReport) -> Metadata:
    """Show the Markdown report, and where every form of it lies."""
    paths = {f"{form} file": dg.MetadataValue.path(path) for form, path in report.paths.items()}
    text = Path(report.paths["markdown"]).read_text(encoding="utf-8")
    return {
        "run": dg.MetadataValue.text(report.run_id),
        "exit code": dg.MetadataValue.int(int(report.exit_code)),
        "report": dg.MetadataValue.md(text),
        **paths,
        "history": dg.MetadataValue.path(report.history_path),
    }


def gate_result(report: RunReport) -> dg.AssetCheckResult:
    """Show the exit code of the command line as the one check that fails a run, with the reasons.

    Only figures that could not be had, missed thresholds and regressions count, never a warning.
    """
    reasons = [f"{status} {subject}: {sentence}" for status, subject, sentence in troubles(report)]
    outcome = f"{OUTCOMES[report.exit_code]} (exit code {report.exit_code})"
    return dg.AssetCheckResult(
        check_name=GATE,
        passed=report.exit_code == 0,
        severity=dg.AssetCheckSeverity.ERROR,
        description="; ".join([outcome, *reasons]),
        metadata={
            "exit code": dg.MetadataValue.int(int(report.exit_code)),
            "outcome": dg.MetadataValue.text(OUTCOMES[report.exit_code]),
            "reasons": dg.MetadataValue.md("\n".join(f"- {one}" for one in reasons) or "none"),
        },
    )


def check_result(benchmark: str, name: str, verdict: Verdict) -> dg.AssetCheckResult:
    """Show one verdict as an asset check; a missed aim is a warning."""
    threshold = verdict.threshold
    is_aim = verdict.status is Status.WARN
    seen = {} if verdict.observed is None else {"observed": _figure(verdict.observed)}
    sentence = f"{threshold.key} is {observed(verdict.observed, threshold)}"
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


def _counts(statuses: Iterable[StrEnum], seen: Sequence[StrEnum]) -> Metadata:
    """Count each status, also those with none: a plot needs its zeros."""
    return {status.value: dg.MetadataValue.int(seen.count(status)) for status in statuses}


def _figures(summaries: Iterable[Summary], verdicts: Iterable[Verdict]) -> Metadata:
    """Give the numbers that are worth a plot over materialisations, the judged series first."""
    judged = {one.threshold.key for one in verdicts}
    shown = [one for one in summaries if not one.tags or summary_key(one) in judged]
    shown.sort(key=lambda one: summary_key(one) not in judged)
    return {
        f"{summary_key(one)} {label} ({statistic_unit(one.metric, label)})": _figure(value)
        for one in shown
        for label, value in _statistics(one)
        if value is not None
    }


def _statistics(one: Summary) -> list[tuple[str, float | None]]:
    """Choose few: what moves under load, and not what only repeats another figure."""
    metric = CATALOG[one.metric]
    if metric.kind is Kind.TREND and metric.tags == {"source"}:
        return [("avg", one.average), ("max", one.maximum)]
    if metric.kind is Kind.TREND:
        return [("med", one.median), ("p(95)", one.p95), ("max", one.maximum)]
    if metric.kind is Kind.COUNTER:
        return [("count", one.count)] if metric.better == "lower" else [("rate", one.rate)]
    return [("rate", one.rate)] if metric.kind is Kind.RATE else [("value", one.last)]


def _figure(value: float) -> dg.FloatMetadataValue:
    """Give six significant digits: more is noise, and 0.18849999999999995 looks like a fault."""
    return dg.MetadataValue.float(float(f"{value:.6g}"))


def _verdict_row(verdict: Verdict) -> dict[str, Cell]:
    threshold = verdict.threshold
    return {
        "threshold": f"{threshold.key}: {threshold.source}",
        "observed": observed(verdict.observed, threshold),
        "status": verdict.status.value,
        "reason": verdict.reason,
    }


def _summary_row(one: Summary) -> dict[str, Cell]:
    unit = CATALOG[one.metric].unit
    figures = {
        "avg": one.average,
        "med": one.median,
        "p(95)": one.p95,
        "p(99)": one.p99,
        "max": one.maximum,
        "last": one.last,
    }
    return {
        "metric": summary_key(one),
        "count": number(one.count),
        "rate": quantity(one.rate, statistic_unit(one.metric, "rate")),
        **{name: quantity(value, unit) for name, value in figures.items()},
    }


def _diff_row(benchmark: str, one: Diff) -> dict[str, Cell]:
    shown = DiffTexts.of(benchmark, one)
    return {
        "benchmark": shown.benchmark,
        "series": shown.series,
        "status": shown.status,
        "value": shown.value,
        "baseline": shown.reference,
        "runs": one.noise.n,  # a number, so that the column sorts as one
        "CV": shown.variation,
        "change": shown.change,
        "interval": shown.interval,
        "minimum detectable": shown.detectable,
        "would detect": shown.remedy,
        "reason": shown.reason,
    }


def _table(rows: Iterable[Mapping[str, Cell]]) -> dg.TableMetadataValue:
    records = [dg.TableRecord(dict(row)) for row in rows]
    if not records:
        schema = dg.TableSchema(columns=[dg.TableColumn("nothing")])
        return dg.MetadataValue.table(records=[], schema=schema)
    return dg.MetadataValue.table(records=records)
