"""What the judgements of a whole run show: verdicts, re-runs, diffs, bottlenecks, the report.

Add here: another judgement of a run. Keep out: a single benchmark (benchmarks.py).
Dagster concept: metadata, https://docs.dagster.io/guides/build/assets/metadata-and-tags
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import dagster as dg

from perf_pipeline.analysis.attribution import Attribution
from perf_pipeline.analysis.baseline import Diff, DiffStatus
from perf_pipeline.analysis.bottleneck import Finding, FindingStatus
from perf_pipeline.defs.metadata.cells import Cell, Metadata, counts, table, verdict_row
from perf_pipeline.metrics.threshold import Status, Verdict
from perf_pipeline.report.diff_texts import DiffTexts
from perf_pipeline.report.headline import ended
from perf_pipeline.report.model import RunReport
from perf_pipeline.report.why import troubles
from perf_pipeline.report.wording import (
    ABSENT,
    OUTCOMES,
    quantity,
    words,
)
from perf_pipeline.runs.confirm import Confirmation, outcome_of

GATE: Final = "gate"


def verdicts_metadata(run_id: str, verdicts: Mapping[str, Sequence[Verdict]]) -> Metadata:
    """Show the verdicts of a run, and how many of each status there are."""
    everything = [one for several in verdicts.values() for one in several]
    return {
        "run": dg.MetadataValue.text(run_id),
        **counts(Status, [one.status for one in everything]),
        "verdicts": table(
            {"benchmark": benchmark, **verdict_row(one)}
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
        **counts(DiffStatus, [one.verdict.status for one in found]),
        "confirmation": table(
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
        **counts(DiffStatus, [one.status for _, one in diffs]),
        "diffs": table(_diff_row(*pair) for pair in diffs),
    }


def findings_metadata(
    run_id: str,
    findings: Sequence[tuple[str, Finding]],
    attributions: Sequence[tuple[str, Attribution]],
) -> Metadata:
    """Show which tier holds the latency, then the checklist with its evidence and what to do."""
    return {
        "run": dg.MetadataValue.text(run_id),
        "tiers": table(
            {
                "benchmark": benchmark,
                "tier": one.name,
                "why": one.sentence,
                "advice": one.advice,
            }
            for benchmark, one in attributions
        ),
        **counts(FindingStatus, [one.status for _, one in findings]),
        "findings": table(
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

    Only figures that could not be had, missed thresholds, regressions and a gate that is withheld
    for too long count, never a warning.
    """
    reasons = [f"{status} {subject}: {sentence}" for status, subject, sentence in troubles(report)]
    outcome = ended(report)
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
