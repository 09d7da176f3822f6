"""Render the comment for a pull request: what a reviewer asks first, with the rest folded away.

It is in GitHub's flavour, with the layout in templates/comment.md. Add here: something that matters
for the decision to merge. Keep out: plots (html.py).
"""

import re
from typing import Final

from markupsafe import Markup

from perf_pipeline.report import comparison, findings, headline, why, wording
from perf_pipeline.report.answer import answer_of
from perf_pipeline.report.costs import cost_table
from perf_pipeline.report.diff_texts import diff_table
from perf_pipeline.report.faults import fault_table
from perf_pipeline.report.growth import growth_table
from perf_pipeline.report.model import BenchmarkReport, RunReport
from perf_pipeline.report.pages import page
from perf_pipeline.report.revisions import (
    revision_rows,
    revision_text,
    tag_rows,
    tags_of_run,
)
from perf_pipeline.report.searches import search_tables
from perf_pipeline.report.slow_requests import slow_table
from perf_pipeline.report.tables import Table

# Characters that are always markup in GitHub's Markdown; an underscore inside a word is not.
_SPECIAL: Final = re.compile(r"[\\`*\[\]<>|~$&]|(?<![^\W_])_|_(?![^\W_])")
_MENTION: Final = re.compile(r"(?<!\w)@(?=\w)")
_BLANK_LINES: Final = re.compile(r"\n{3,}")


def render_markdown(report: RunReport) -> str:
    """Return the report as Markdown in which every external value is escaped."""
    judged, _, compared = headline.counts(report).partition("; ")
    text = page(
        "comment.md",
        escaped,
        ended=headline.ended(report),
        profile=report.profile,
        measured=revision_text(report.revision),
        tagged=tags_of_run(report.tags),
        regression=comparison.regression(report),
        answer=answer_of(report),
        leading=_leading(report),
        sentences=why.notices_and_troubles(report),
        judged=judged,
        verdicts=_verdicts(report),
        faults=_faults(report),
        grown=_growth(report),
        compared=compared,
        remarks=[*comparison.dated(report), *comparison.remarks(report)],
        diffs=diff_table(pair for pair in report.diffs if pair[1].effect is not None),
        tally=findings.tally(report),
        findings=findings.lines(report),
        costs=cost_table(report.costs),
        searches=[
            (f"{name} of {benchmark.name}", made)
            for benchmark in report.benchmarks
            for name, made in search_tables(benchmark)
        ],
        slowest=slow_table(report.slow_requests),
        environment=_environment(report),
    )
    return _BLANK_LINES.sub("\n\n", text).strip() + "\n"


def escaped(text: str) -> Markup:
    """Make a text printable and literal on GitHub: no markup, and nobody is notified."""
    plain = _SPECIAL.sub(r"\\\g<0>", wording.printable(text))
    return Markup(_MENTION.sub("@\N{ZERO WIDTH SPACE}", plain))  # noqa: S704 - escaped just now


def _leading(report: RunReport) -> Table:
    titles = ("benchmark", "status", "p95", "p95 against baseline", "throughput", "error rate")
    return Table.of(
        dict.fromkeys(titles, "text"),
        (_leading_row(report, benchmark) for benchmark in report.benchmarks),
    )


def _leading_row(report: RunReport, benchmark: BenchmarkReport) -> tuple[str, ...]:
    lead = headline.headline(benchmark)
    return (
        benchmark.name,
        wording.words(headline.verdict_of(benchmark)),
        lead.p95,
        comparison.against(headline.p95_diff(report, benchmark)),
        wording.quantity(lead.per_s, f"{lead.unit}/s"),
        wording.quantity(lead.error_ratio, "ratio"),
    )


def _verdicts(report: RunReport) -> Table:
    return Table.of(
        dict.fromkeys(("benchmark", "threshold", "bound", "observed", "status"), "text"),
        (
            (
                benchmark.name,
                verdict.threshold.key,
                verdict.threshold.source,
                wording.observed(verdict),
                wording.words(verdict.status),
            )
            for benchmark in report.benchmarks
            for verdict in benchmark.verdicts
        ),
    )


def _faults(report: RunReport) -> list[tuple[str, Table]]:
    """Return the faults of each benchmark that has any."""
    return [
        (benchmark.name, fault_table(benchmark.faults))
        for benchmark in report.benchmarks
        if benchmark.faults
    ]


def _growth(report: RunReport) -> list[tuple[str, Table]]:
    """Return what grew in each benchmark that has `growth`."""
    return [
        (benchmark.name, growth_table(benchmark.growth))
        for benchmark in report.benchmarks
        if benchmark.growth
    ]


def _environment(report: RunReport) -> Table:
    facts = {
        "run": report.run_id,
        "profile": report.profile,
        "began": wording.moment(report.began_at),
        "took": wording.seconds(report.wall_s),
        "target": report.target,
        **revision_rows(report.revision),
        **tag_rows(report.tags),
        **report.environment,
    }
    return Table.of(dict.fromkeys(("name", "value"), "text"), facts.items())
