"""The verdict on a screen: a table of thresholds, why it failed, baseline, bottlenecks, one answer.

Reads the same without colour: every status is a word. Add here: what people need at once. Keep
out: details that the HTML report has room for.
"""

import io
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from perf_pipeline.analysis.baseline import Diff, DiffStatus
from perf_pipeline.report import comparison, findings, headline, why, wording
from perf_pipeline.report.answer import answer_of
from perf_pipeline.report.diff_texts import DiffTexts
from perf_pipeline.report.finding_texts import other_texts
from perf_pipeline.report.growth import growth_sentences
from perf_pipeline.report.model import Diagnosis, RunReport
from perf_pipeline.report.revisions import revision_text, tags_of_run
from perf_pipeline.report.slow_requests import slowest_of_each

_STYLES: Final = {
    "PASS": "green",
    "OK": "green",
    "IMPROVED": "green",
    "COMPLETED": "green",
    "CAPACITY": "bold",
    "SCALING": "bold",
    "WARN": "yellow",
    "SUSPECT": "yellow",
    "NOTICE": "bold yellow",
    "ENVIRONMENT_CHANGED": "yellow",
    "FAIL": "bold red",
    "FOUND": "bold yellow",
    "FAULT": "bold",
    "GROWTH": "bold",
    "CEILING": "dim",
    "REGRESSED": "bold red",
    "LEARNING": "dim",
    "NOTE": "dim",
    "NOT_APPLICABLE": "dim",
    "CHANGED": "yellow",
}
_OTHER_STYLE: Final = "bold magenta"
_MOST_ROWS: Final = 12
_MOST_BELOW: Final = 6


def render_terminal(report: RunReport, width: int = 80, *, color: bool = False) -> str:
    """Return the report as lines for a terminal, ANSI colours on request."""
    return rendered(_page(report, width), width, color=color)


def render_ending(report: RunReport, width: int = 80, *, color: bool = False) -> str:
    """Return the last lines of the report alone: counts, answer, outcome, and where the rest is."""
    return rendered(_closing(report), width, color=color)


def render_comparison(
    pairs: Sequence[tuple[str, Diff]],
    width: int = 80,
    *,
    diagnosis: Diagnosis | None = None,
    notices: Sequence[str] = (),
    color: bool = False,
) -> str:
    """Return notices, the baseline's table of (benchmark, diff), and which tier is to blame."""
    parts: list[RenderableType] = [*_notices(notices)]
    if pairs:
        parts += [_baseline_table(list(pairs)), *_bottlenecks(diagnosis or Diagnosis())]
    else:
        parts.append(_plain("nothing to compare: the run measured nothing"))
    return rendered(Group(*parts), width, color=color)


def rendered(page: RenderableType, width: int, *, color: bool) -> str:
    """Return what rich draws as plain lines, ANSI colours on request."""
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


def _page(report: RunReport, width: int) -> RenderableType:
    parts: list[RenderableType] = [_header(report)]
    if report.benchmarks:
        parts.append(verdict_table(report, width))
    parts += _faults(report)
    parts += _growth(report)
    troubles = why.found_and_troubles(report)
    if troubles:
        parts += [Text(), _sentences(troubles)]
    parts += _baseline(report)
    parts += _bottlenecks(report)
    parts += _slowest(report)
    parts.append(_closing(report))
    return Group(*parts)


def _faults(report: RunReport) -> list[RenderableType]:
    """Tell each fault in a line of its own."""
    told = [
        ("FAULT", f"{benchmark.name}, {fault.fault}", fault.sentence)
        for benchmark in report.benchmarks
        for fault in benchmark.faults
    ]
    return [Text(), _sentences(told)] if told else []


def _growth(report: RunReport) -> list[RenderableType]:
    """Tell what grew during a steady load."""
    told = [
        ("GROWTH", benchmark.name, sentence)
        for benchmark in report.benchmarks
        for sentence in growth_sentences(benchmark.growth)
    ]
    return [Text(), _sentences(told)] if told else []


def _slowest(report: RunReport) -> list[RenderableType]:
    """Show the slowest traced request of each operation; the other reports have more of them."""
    slowest = [*slowest_of_each(report.slow_requests)]
    if not slowest:
        return []
    table = _table("slowest traced request", "time", "after", "trace")
    for request in slowest:
        _, operation, *cells, _, trace = request.row
        link = f"link {request.url}" if request.url else ""
        table.add_row(_plain(operation), *map(_plain, cells), _plain(trace, link))
    return [Text(), table]


def _plain(text: str, style: str = "") -> Text:
    return Text(wording.printable(text), style=style)


def _status(status: str) -> Text:
    return _plain(wording.words(status), _STYLES.get(status, _OTHER_STYLE))


def _sentences(lines: Iterable[why.Trouble]) -> Table:
    """Put statuses into a column of their own, so that long sentences stay apart."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for status, subject, sentence in lines:
        grid.add_row(_status(status), _plain(f"{subject}: {sentence}"))
    return grid


def _notices(notices: Iterable[str]) -> list[Text]:
    return [Text.assemble(_status("NOTICE"), " ", _plain(notice)) for notice in notices]


def _header(report: RunReport) -> Text:
    began = f"{wording.minute(report.began_at)} UTC"
    lines = [
        _plain(f"run {report.run_id}, profile {report.profile}, {began}", "bold"),
        _plain(f"target {report.target}, took {wording.seconds(report.wall_s)}"),
    ]
    if measured := revision_text(report.revision):
        lines.append(_plain(f"measured {measured}"))
    if report.tags:
        lines.append(_plain(f"tagged {tags_of_run(report.tags)}"))
    lines += _notices(report.notices)
    return Text("\n").join([*lines, Text()])


def _table(*columns: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", pad_edge=False)
    table.add_column(columns[0], overflow="fold")
    for column in columns[1:]:
        table.add_column(column, no_wrap=True)
    return table


def verdict_table(report: RunReport, width: int) -> Table:
    """Return one row for each threshold, grouped by benchmark."""
    table = _table("benchmark, threshold", "bound", "observed", "status")
    room = width - _width_beside(report)
    for benchmark in report.benchmarks:
        span = f"{wording.seconds(benchmark.measured_s)} measured"
        whole = str(benchmark.status) if benchmark.valid else "INVALID"
        shown = whole if whole != "COMPLETED" else ""
        table.add_row(_plain(benchmark.name, "bold"), "", _plain(span), _status(shown))
        for verdict in benchmark.verdicts:
            table.add_row(
                _key(verdict.threshold.key, room),
                _plain(verdict.threshold.source),
                _plain(wording.observed(verdict)),
                _status(str(verdict.status)),
            )
        if not benchmark.verdicts:
            table.add_row(_plain("  (no thresholds)", "dim"), "", "", "")
    return table


def _width_beside(report: RunReport) -> int:
    """Return the columns that bound, observed and status take, with their gaps."""
    verdicts = [verdict for benchmark in report.benchmarks for verdict in benchmark.verdicts]
    bound = max((len(verdict.threshold.source) for verdict in verdicts), default=0)
    observed = max((len(wording.observed(verdict)) for verdict in verdicts), default=0)
    return bound + observed + len("NOT MEASURED")


def _key(key: str, room: int) -> Text:
    """Break a long key where its tag filter begins and not somewhere in a word."""
    metric, brace, tags = key.partition("{")
    if not brace or len(key) + 2 <= room:
        return _plain(f"  {key}")
    return Text("\n").join([_plain(f"  {metric}"), _plain(f"    {brace}{tags}")])


def _baseline(report: RunReport) -> list[RenderableType]:
    if not report.diffs:
        return [Text(), _plain("baseline: nothing was compared")]
    pairs = comparison.shown_first(report)
    parts: list[RenderableType] = [Text()]
    if pairs:
        below = {id(cause.leading[1]): other_texts(cause) for cause in report.causes}
        parts.append(_baseline_table(pairs[:_MOST_ROWS], below))
    if len(pairs) > _MOST_ROWS:
        rest = wording.plural(len(pairs) - _MOST_ROWS, "more series", "more series")
        parts.append(_plain(f"{rest}; `perf-pipeline compare {report.run_id}` shows all"))
    told = [*comparison.dated(report), *comparison.remarks(report)]
    return [*parts, _sentences(told)]


def _baseline_table(
    pairs: list[tuple[str, Diff]], below: Mapping[int, Sequence[str]] = MappingProxyType({})
) -> Table:
    """Return a row for each series, with what is listed below it, by the id of its diff."""
    table = _table("against the baseline", "median (n, CV)", "change", "detects", "status")
    benchmark = None
    for name, diff in pairs:
        if name != benchmark:
            table.add_row(_plain(name, "bold"), "", "", "", "")
            benchmark = name
        shown = DiffTexts.of(name, diff)
        known = shown.remedy != wording.ABSENT
        more = [_plain(f"  would detect {shown.remedy}", "dim")] if known else []
        others = below.get(id(diff), ())
        more += [_plain(f"  with it {text}", "dim") for text in _first(others)]
        table.add_row(
            _lines(_plain(f"  {shown.key}"), _plain(f"  {shown.statistic}"), *more),
            _lines(_plain(shown.reference), _plain(f"n {shown.runs}, CV {shown.variation}")),
            _lines(_plain(shown.change), _plain(shown.interval)),
            _plain(shown.detectable),
            _lines(*(_status(word) for word in _split(diff.status))),
        )
    return table


def _first(texts: Sequence[str]) -> list[str]:
    rest = len(texts) - _MOST_BELOW
    return [*texts[:_MOST_BELOW], *([f"{rest} more series"] if rest > 0 else [])]


def _lines(*lines: Text) -> Text:
    return Text("\n").join(lines)


def _split(status: DiffStatus) -> list[str]:
    return status.split("_") if status is DiffStatus.ENVIRONMENT_CHANGED else [str(status)]


def _bottlenecks(report: Diagnosis | RunReport) -> list[RenderableType]:
    if not report.findings and not report.attributions:
        return []
    return [Text(), _sentences(findings.lines(report)), _plain(findings.tally(report))]


def _closing(report: RunReport) -> Text:
    answer, outcome = answer_of(report), wording.OUTCOMES.get(report.exit_code, "")
    lines = [
        Text(),
        _plain(headline.counts(report)),
        _plain(str(answer), _STYLES.get(answer.status, "bold")),
        _plain(headline.ended(report), _STYLES.get(outcome, _OTHER_STYLE)),
    ]
    lines += [_plain(f"{kind}: {path}") for kind, path in report.paths.items()]
    if report.history_path:
        lines.append(_plain(f"history: {report.history_path}"))
    return Text("\n").join(lines)
