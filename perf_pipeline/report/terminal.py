"""The verdict on a screen: one table of thresholds, the baseline, bottlenecks, one answer.

Reads the same without colour: every status is a word. Add here: what people need at once. Keep
out: details that the HTML report has room for.
"""

import io
from collections.abc import Sequence
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from perf_pipeline.analysis.baseline import Diff, DiffStatus
from perf_pipeline.analysis.bottleneck import Finding, FindingStatus
from perf_pipeline.report import headline, wording
from perf_pipeline.report.model import RunReport

_STYLES: Final = {
    "PASS": "green",
    "OK": "green",
    "IMPROVED": "green",
    "COMPLETED": "green",
    "WARN": "yellow",
    "SUSPECT": "yellow",
    "NOTICE": "bold yellow",
    "ENVIRONMENT_CHANGED": "yellow",
    "FAIL": "bold red",
    "FOUND": "bold red",
    "REGRESSED": "bold red",
    "LEARNING": "dim",
}
_OTHER_STYLE: Final = "bold magenta"


def render_terminal(report: RunReport, width: int = 80, *, color: bool = False) -> str:
    """Give the report as lines for a terminal, ANSI colours on request."""
    return rendered(_page(report), width, color=color)


def render_comparison(
    pairs: Sequence[tuple[str, Diff]], width: int = 80, *, color: bool = False
) -> str:
    """Give only the baseline's table, as (benchmark, diff), all series."""
    if not pairs:
        return "nothing to compare: the run measured nothing\n"
    return rendered(_baseline_table(list(pairs)), width, color=color)


def rendered(page: RenderableType, width: int, *, color: bool) -> str:
    """Give what rich draws as plain lines, ANSI colours on request."""
    stream = io.StringIO()
    console = Console(
        file=stream,
        width=width,
        force_terminal=color,
        color_system="standard" if color else None,
        no_color=not color,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
        _environ={},  # NO_COLOR, COLUMNS and the like are the caller's to read
    )
    console.print(page)
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines()) + "\n"


def _page(report: RunReport) -> RenderableType:
    parts: list[RenderableType] = [_header(report)]
    if report.benchmarks:
        parts.append(verdict_table(report))
    parts += [_sentence(*line) for line in headline.troubles(report)]
    parts += _baseline(report)
    parts += _bottlenecks(report)
    parts.append(_closing(report))
    return Group(*parts)


def _plain(text: str, style: str = "") -> Text:
    return Text(wording.printable(text), style=style)


def _status(status: str) -> Text:
    return _plain(wording.words(status), _STYLES.get(status, _OTHER_STYLE))


def _sentence(status: str, subject: str, sentence: str) -> Text:
    return Text.assemble(_status(status), " ", _plain(f"{subject}: {sentence}"))


def _header(report: RunReport) -> Text:
    began = report.began_at.strftime("%Y-%m-%d %H:%M UTC")
    lines = [
        _plain(f"run {report.run_id}, profile {report.profile}, {began}", "bold"),
        _plain(f"target {report.target}, took {wording.seconds(report.wall_s)}"),
    ]
    lines += [Text.assemble(_status("NOTICE"), " ", _plain(note)) for note in report.notices]
    return Text("\n").join([*lines, Text()])


def _table(*columns: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", pad_edge=False)
    table.add_column(columns[0], overflow="fold")
    for column in columns[1:]:
        table.add_column(column, no_wrap=True)
    return table


def verdict_table(report: RunReport) -> Table:
    """Give one row for each threshold, grouped by benchmark."""
    table = _table("benchmark, threshold", "bound", "observed", "status")
    for one in report.benchmarks:
        span = f"{wording.seconds(one.measured_s)} measured"
        whole = str(one.status) if one.valid else "INVALID"
        shown = whole if whole != "COMPLETED" else ""
        table.add_row(_plain(one.name, "bold"), "", _plain(span), _status(shown))
        for verdict in one.verdicts:
            table.add_row(
                _plain(f"  {verdict.threshold.key}"),
                _plain(verdict.threshold.source),
                _plain(wording.observed(verdict.observed, verdict.threshold)),
                _status(str(verdict.status)),
            )
        if not one.verdicts:
            table.add_row(_plain("  (no thresholds)", "dim"), "", "", "")
    return table


def _baseline(report: RunReport) -> list[RenderableType]:
    shown = [pair for pair in report.diffs if not _has_nothing_to_show(pair[1])]
    unseen = len(report.diffs) - len(shown)
    parts: list[RenderableType] = [Text()]
    if shown:
        parts.append(_baseline_table(shown))
    if unseen:
        note = f"no history yet for {unseen} of {len(report.diffs)} series"
        parts.append(_sentence("LEARNING", "baseline", note))
    if not report.diffs:
        parts.append(_plain("baseline: nothing was compared"))
    return parts


def _has_nothing_to_show(diff: Diff) -> bool:
    return diff.status is DiffStatus.LEARNING and diff.noise.n == 0


def _baseline_table(pairs: list[tuple[str, Diff]]) -> Table:
    table = _table("against the baseline", "median (n, CV)", "change", "detects", "status")
    benchmark = None
    for name, diff in pairs:
        if name != benchmark:
            table.add_row(_plain(name, "bold"), "", "", "", "")
            benchmark = name
        variation = f"n {diff.noise.n}, CV {wording.variation_of(diff)}"
        table.add_row(
            Text("\n").join([_plain(f"  {diff.series.key}"), _plain(f"  {diff.series.statistic}")]),
            Text("\n").join([_plain(wording.reference_of(diff)), _plain(variation)]),
            Text("\n").join([_plain(wording.change_of(diff)), _plain(wording.interval_of(diff))]),
            _plain(wording.detectable_of(diff)),
            Text("\n").join(_status(word) for word in _split(diff.status)),
        )
    return table


def _split(status: DiffStatus) -> list[str]:
    return status.split("_") if status is DiffStatus.ENVIRONMENT_CHANGED else [str(status)]


def _bottlenecks(report: RunReport) -> list[RenderableType]:
    if not report.findings:
        return []
    pairs = headline.found(report)
    lines: list[RenderableType] = [Text()]
    lines += [_finding(benchmark, finding) for benchmark, finding in pairs]
    clear = sum(finding.status is FindingStatus.OK for _, finding in report.findings)
    absent = len(report.findings) - len(pairs) - clear
    tally = f"{len(pairs)} found, {clear} OK, {absent} without evidence in this run"
    lines.append(_plain(f"bottlenecks: {tally}"))
    return lines


def _finding(benchmark: str, finding: Finding) -> Text:
    where = f"{benchmark}, {finding.tier}" if benchmark else finding.tier
    seen = wording.quantity(finding.observed, finding.unit)
    bound = wording.quantity(finding.bound, finding.unit)
    return _sentence(
        "FOUND", f"{finding.rule} ({where})", f"{seen}, bound {bound}. To do: {finding.advice}"
    )


def _closing(report: RunReport) -> Text:
    code = headline.ended(report)
    lines = [
        Text(),
        _plain(headline.counts(report)),
        _plain(headline.million_a_day(report), "bold"),
        _plain(code, _STYLES.get(code.split(" (", maxsplit=1)[0], _OTHER_STYLE)),
    ]
    lines += [_plain(f"{kind}: {path}") for kind, path in report.paths.items()]
    if report.history_path:
        lines.append(_plain(f"history: {report.history_path}"))
    return Text("\n").join(lines)
