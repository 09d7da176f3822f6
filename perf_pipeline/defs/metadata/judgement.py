"""Make the metadata of a run's judgements: verdicts, re-runs, diffs, bottlenecks, the report.

Add here: another judgement of a run. Keep out: a single benchmark (benchmarks.py).
Dagster concept: metadata, https://docs.dagster.io/guides/build/assets/metadata-and-tags
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import dagster as dg

from perf_pipeline.analysis.attribution import Attribution
from perf_pipeline.analysis.baseline import Diff, DiffStatus
from perf_pipeline.analysis.finding import Finding, FindingStatus
from perf_pipeline.defs.checks import GATE
from perf_pipeline.defs.metadata.cells import Cell, Metadata, counts, table, verdict_row
from perf_pipeline.metrics.threshold import Status, Verdict
from perf_pipeline.report.diff_texts import DiffTexts
from perf_pipeline.report.first_screen import verdict_sentence
from perf_pipeline.report.headline import ended
from perf_pipeline.report.markdown import render_markdown
from perf_pipeline.report.model import RunReport
from perf_pipeline.report.why import reasons
from perf_pipeline.report.wording import (
    ABSENT,
    OUTCOMES,
    quantity,
    words,
)
from perf_pipeline.runs.confirm import Confirmation, outcome_of


def verdicts_metadata(run_id: str, verdicts: Mapping[str, Sequence[Verdict]]) -> Metadata:
    """Show the verdicts of a run, and how many of each status there are."""
    everything = [verdict for several in verdicts.values() for verdict in several]
    return {
        "run": dg.MetadataValue.text(run_id),
        **counts(Status, [verdict.status for verdict in everything]),
        "verdicts": table(
            {"benchmark": benchmark, **verdict_row(verdict)}
            for benchmark, several in verdicts.items()
            for verdict in several
        ),
    }


def confirmation_metadata(run_id: str, found: Sequence[Confirmation]) -> Metadata:
    """Show each suspect with the results of its re-runs, and the verdict of all together."""
    reruns = sorted({rerun for confirmation in found for rerun in confirmation.attempts})
    return {
        "run": dg.MetadataValue.text(run_id),
        "outcome": dg.MetadataValue.text(outcome_of(found)),
        "suspects": dg.MetadataValue.int(len(found)),
        "re-runs": dg.MetadataValue.int(len(reruns)),
        **counts(DiffStatus, [confirmation.verdict.status for confirmation in found]),
        "confirmation": table(
            {
                "benchmark": confirmation.benchmark,
                "series": confirmation.suspect.series.label,
                "change": DiffTexts.of(confirmation.benchmark, confirmation.suspect).change,
                **{
                    f"re-run {number}": words(confirmation.attempts.get(rerun, ABSENT))
                    for number, rerun in enumerate(reruns, 1)
                },
                "verdict": words(confirmation.verdict.status),
                "reason": confirmation.verdict.reason,
            }
            for confirmation in found
        ),
    }


def diffs_metadata(run_id: str, diffs: Sequence[tuple[str, Diff]]) -> Metadata:
    """Show how a run differs from its baselines."""
    return {
        "run": dg.MetadataValue.text(run_id),
        **counts(DiffStatus, [diff.status for _, diff in diffs]),
        "diffs": table(_diff_row(*pair) for pair in diffs),
    }


def findings_metadata(
    run_id: str,
    findings: Sequence[tuple[str, Finding]],
    attributions: Sequence[tuple[str, Attribution]],
) -> Metadata:
    """Show which tier causes the latency, then the checklist with evidence and advice."""
    return {
        "run": dg.MetadataValue.text(run_id),
        "tiers": table(
            {
                "benchmark": benchmark,
                "tier": attribution.name,
                "why": attribution.sentence,
                "advice": attribution.advice,
            }
            for benchmark, attribution in attributions
        ),
        **counts(FindingStatus, [finding.status for _, finding in findings]),
        "findings": table(
            {
                "benchmark": benchmark or "whole run",
                "tier": finding.tier,
                "rule": finding.rule,
                "status": finding.status.value,
                "observed": quantity(finding.observed, finding.unit),
                "bound": quantity(finding.bound, finding.unit),
                "evidence": finding.evidence,
                "advice": finding.advice,
            }
            for benchmark, finding in findings
        ),
    }


def report_metadata(report: RunReport, link: str = "") -> Metadata:
    """Show how the run ended and why, its report, and where to find its other forms.

    Args:
        report: the report of the run.
        link: the address at which its page is served; empty if it is not served.
    """
    paths = {f"{form} file": dg.MetadataValue.path(path) for form, path in report.paths.items()}
    return {
        "run": dg.MetadataValue.text(report.run_id),
        "verdict": dg.MetadataValue.text(OUTCOMES[report.exit_code]),
        "why": dg.MetadataValue.text(verdict_sentence(report)),
        **({"page": dg.MetadataValue.url(link)} if link else {}),
        "exit code": dg.MetadataValue.int(int(report.exit_code)),
        "report": dg.MetadataValue.md(_text_of(report)),
        **paths,
        "history": dg.MetadataValue.path(report.history_path),
    }


def _text_of(report: RunReport) -> str:
    """Return the written Markdown report, or make it if there is none."""
    path = report.paths.get("markdown")
    return Path(path).read_text(encoding="utf-8") if path else render_markdown(report)


def gate_result(report: RunReport) -> dg.AssetCheckResult:
    """Show the exit code of the command line as the one check that fails a run, with the reasons.

    Only missing figures, missed thresholds, regressions and a gate that was withheld for too long
    count, never a warning.
    """
    return dg.AssetCheckResult(
        check_name=GATE,
        passed=report.exit_code == 0,
        severity=dg.AssetCheckSeverity.ERROR,
        description="; ".join([f"{verdict_sentence(report)} {ended(report)}", *reasons(report)]),
        metadata={
            "run": dg.MetadataValue.text(report.run_id),
            "exit code": dg.MetadataValue.int(int(report.exit_code)),
            "sentence": dg.MetadataValue.text(verdict_sentence(report)),
            "outcome": dg.MetadataValue.text(OUTCOMES[report.exit_code]),
            **reasons_metadata(report),
        },
    )


def reasons_metadata(report: RunReport) -> Metadata:
    """Show what failed, what could not be judged and what got worse, as a list."""
    listed = "\n".join(f"- {reason}" for reason in reasons(report))
    return {"reasons": dg.MetadataValue.md(listed or "none")}


def _diff_row(benchmark: str, diff: Diff) -> dict[str, Cell]:
    shown = DiffTexts.of(benchmark, diff)
    return {
        "benchmark": shown.benchmark,
        "series": shown.series,
        "status": shown.status,
        "value": shown.value,
        "baseline": shown.reference,
        "runs": diff.noise.n,  # a number, so that the column sorts as one
        "CV": shown.variation,
        "change": shown.change,
        "interval": shown.interval,
        "minimum detectable": shown.detectable,
        "would detect": shown.remedy,
        "reason": shown.reason,
    }
