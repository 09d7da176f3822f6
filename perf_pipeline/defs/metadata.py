"""From domain values to Dagster's metadata: numbers that plot over materialisations, and tables.

Add here: how a domain value looks in the UI. Keep out: working anything out.
Dagster concept: metadata, https://docs.dagster.io/guides/build/assets/metadata-and-tags
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import dagster as dg

from perf_pipeline.analysis.baseline import Diff
from perf_pipeline.analysis.bottleneck import Finding
from perf_pipeline.metrics.catalog import CATALOG, Kind
from perf_pipeline.metrics.summary import Summary
from perf_pipeline.metrics.threshold import Status, Verdict
from perf_pipeline.report.model import RunReport
from perf_pipeline.runs.benchmarking import Measured
from perf_pipeline.runs.seeding import Seeded

Metadata = dict[str, dg.MetadataValue]
Cell = str | float | int | bool | None


def seeded_metadata(seeded: Seeded) -> Metadata:
    """Show what was seeded."""
    return {
        "dagster/row_count": dg.MetadataValue.int(seeded.users),
        "rows removed of earlier runs": dg.MetadataValue.int(seeded.removed),
        "rows_per_s": dg.MetadataValue.float(seeded.rows_per_s),
        "ids": dg.MetadataValue.json(dict(seeded.sets)),
    }


def benchmark_metadata(measured: Measured) -> Metadata:
    """Show a benchmark: status first, figures that plot, all verdicts and summaries as tables."""
    outcome = measured.outcome
    return {
        "run": dg.MetadataValue.text(measured.run_id),
        "status": dg.MetadataValue.text(outcome.status),
        "valid": dg.MetadataValue.bool(outcome.valid),
        "why invalid": dg.MetadataValue.text("; ".join(outcome.invalid_reasons) or "-"),
        "problems": dg.MetadataValue.text("; ".join(outcome.problems) or "-"),
        "dagster/row_count": dg.MetadataValue.int(measured.ingested.samples),
        "measured_s": dg.MetadataValue.float(outcome.measured_s),
        **_plots(measured.summaries),
        "verdicts": verdict_table(measured.verdicts),
        "summaries": _table(_summary_row(one) for one in measured.summaries),
    }


def verdict_table(verdicts: Iterable[Verdict]) -> dg.TableMetadataValue:
    """Show thresholds with what was observed."""
    return _table(_verdict_row(one) for one in verdicts)


def verdicts_metadata(run_id: str, verdicts: Mapping[str, Sequence[Verdict]]) -> Metadata:
    """Show the verdicts of a run, and how many of each status there are."""
    everything = [one for several in verdicts.values() for one in several]
    counts = {
        f"count {status}": [one.status for one in everything].count(status) for status in Status
    }
    return {
        "run": dg.MetadataValue.text(run_id),
        **{name: dg.MetadataValue.int(count) for name, count in counts.items()},
        "verdicts": _table(
            {"benchmark": benchmark, **_verdict_row(one)}
            for benchmark, several in verdicts.items()
            for one in several
        ),
    }


def diffs_metadata(run_id: str, diffs: Sequence[tuple[str, Diff]]) -> Metadata:
    """Show how a run differs from its baselines."""
    statuses = [one.status.value for _, one in diffs]
    counts = {f"count {status}": statuses.count(status) for status in sorted(set(statuses))}
    return {
        "run": dg.MetadataValue.text(run_id),
        **{name: dg.MetadataValue.int(count) for name, count in counts.items()},
        "diffs": _table({"benchmark": benchmark, **_diff_row(one)} for benchmark, one in diffs),
    }


def findings_metadata(run_id: str, findings: Sequence[tuple[str, Finding]]) -> Metadata:
    """Show the checklist: what was found, with its evidence and what to do."""
    return {
        "run": dg.MetadataValue.text(run_id),
        "findings": _table(
            {
                "benchmark": benchmark or "whole run",
                "tier": one.tier,
                "rule": one.rule,
                "status": one.status.value,
                "observed": one.observed,
                "bound": one.bound,
                "unit": one.unit,
                "evidence": one.evidence,
                "advice": one.advice,
            }
            for benchmark, one in findings
        ),
    }


def report_metadata(report: RunReport) -> Metadata:
    """Show the Markdown report, and where every form of it lies."""
    paths = {f"{form} report": dg.MetadataValue.path(path) for form, path in report.paths.items()}
    text = Path(report.paths["markdown"]).read_text(encoding="utf-8")
    return {
        "run": dg.MetadataValue.text(report.run_id),
        "exit code": dg.MetadataValue.int(int(report.exit_code)),
        "report": dg.MetadataValue.md(text),
        **paths,
        "history": dg.MetadataValue.path(report.history_path),
    }


def check_result(benchmark: str, name: str, verdict: Verdict) -> dg.AssetCheckResult:
    """Show one verdict as an asset check; a missed aim is a warning."""
    threshold = verdict.threshold
    unit = CATALOG[threshold.metric].unit
    severity = (
        dg.AssetCheckSeverity.WARN if verdict.status is Status.WARN else dg.AssetCheckSeverity.ERROR
    )
    observed = (
        {} if verdict.observed is None else {"observed": dg.MetadataValue.float(verdict.observed)}
    )
    return dg.AssetCheckResult(
        check_name=name,
        asset_key=dg.AssetKey(benchmark),
        passed=verdict.status is Status.PASS,
        severity=severity,
        description=f"{verdict.status.value}: {threshold.key} {threshold.source}",
        metadata={
            "status": dg.MetadataValue.text(verdict.status.value),
            "bound": dg.MetadataValue.float(threshold.bound),
            **observed,
            "threshold": dg.MetadataValue.text(f"{threshold.key}: {threshold.source}"),
            "unit": dg.MetadataValue.text(unit),
            "reason": dg.MetadataValue.text(verdict.reason or "-"),
        },
    )


def _plots(summaries: Iterable[Summary]) -> Metadata:
    """Give the numbers that are worth a plot over materialisations: whole series only."""
    found: Metadata = {}
    for one in summaries:
        if not one.tags:
            unit = CATALOG[one.metric].unit
            for label, value in _plotted(one):
                if value is not None:
                    found[f"{one.metric} {label} ({unit})"] = dg.MetadataValue.float(value)
    return found


def _plotted(one: Summary) -> list[tuple[str, float | None]]:
    kind = CATALOG[one.metric].kind
    if kind is Kind.TREND:
        return [("med", one.median), ("p(95)", one.p95), ("max", one.maximum)]
    if kind is Kind.COUNTER:
        return [("count", one.count), ("rate", one.rate)]
    return [("rate", one.rate)] if kind is Kind.RATE else [("value", one.last)]


def _verdict_row(verdict: Verdict) -> dict[str, Cell]:
    threshold = verdict.threshold
    return {
        "threshold": f"{threshold.key}: {threshold.source}",
        "observed": verdict.observed,
        "unit": CATALOG[threshold.metric].unit,
        "status": verdict.status.value,
        "reason": verdict.reason,
    }


def _summary_row(one: Summary) -> dict[str, Cell]:
    return {
        "metric": one.metric,
        "tags": ", ".join(f"{name}: {value}" for name, value in one.tags.items()),
        "unit": CATALOG[one.metric].unit,
        "count": one.count,
        "rate": one.rate,
        "avg": one.average,
        "med": one.median,
        "p(95)": one.p95,
        "p(99)": one.p99,
        "max": one.maximum,
        "last": one.last,
    }


def _diff_row(one: Diff) -> dict[str, Cell]:
    effect = one.effect
    return {
        "series": one.series.label,
        "status": one.status.value,
        "value": one.value,
        "baseline": one.noise.median if one.pinned is None else one.pinned,
        "n": one.noise.n,
        "CV": one.noise.cv,
        "change": effect.change if effect else None,
        "low": effect.low if effect else None,
        "high": effect.high if effect else None,
        "minimum detectable": one.minimum_detectable,
        "reason": one.reason,
    }


def _table(rows: Iterable[Mapping[str, Cell]]) -> dg.TableMetadataValue:
    records = [dg.TableRecord(dict(row)) for row in rows]
    if not records:
        schema = dg.TableSchema(columns=[dg.TableColumn("nothing")])
        return dg.MetadataValue.table(records=[], schema=schema)
    return dg.MetadataValue.table(records=records)
