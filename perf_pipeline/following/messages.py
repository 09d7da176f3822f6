"""The messages to a run's page: everything at first, and then what has changed.

A section is sent whole if its plots have changed; otherwise only new values are sent. What a page
shows is laid out here, by the report's own code, so that its script only puts it into place.

Add here: another part of the page. Keep out: facts (followed_run.py), layout (report/).
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from perf_pipeline.following.followed_run import FollowedRun, RunStage
from perf_pipeline.following.standing import Standings
from perf_pipeline.following.take import Take
from perf_pipeline.report.axis import Panel, panels
from perf_pipeline.report.live_page import live_glance, live_section, live_tables, told_html
from perf_pipeline.report.pages import anchor
from perf_pipeline.report.plot_data import panels_as_json, values_of
from perf_pipeline.report.tables import Table
from perf_pipeline.report.wording import beside_bound, number, plural, quantity

Message = Mapping[str, Any]

# Readings come up to so many seconds after their moment.
_LATE_S: Final = 20
_MOST_WAYS: Final = 20
_HEADINGS: Final = {
    RunStage.NONE: "No run is under way",
    RunStage.RUNNING: "Under way",
    RunStage.STOPPING: "Stopping",
    RunStage.JUDGING: "Being judged",
    RunStage.UNREPORTED: "Ended without a report",
    RunStage.KILLED: "Killed",
}
_SENTENCES: Final = {
    RunStage.NONE: "This page waits, and shows the next run of this state folder as it begins.",
    RunStage.RUNNING: "All figures and thresholds are provisional until the run is judged.",
    RunStage.STOPPING: "The run was asked to stop; what was measured is kept, stored and judged.",
    RunStage.JUDGING: "The load is over. What was measured is being stored and judged.",
}


class Telling:
    """Tell one page about a run.

    Args:
        run: that is followed; others look at its files.
    """

    def __init__(self, run: FollowedRun) -> None:
        self._run = run
        self._number = -1
        self._sections: list[_TakeTelling] = []
        self._head: Message = {}

    def news(self) -> Iterator[Message]:
        """Yield what this page does not know yet."""
        run = self._run
        if run.number != self._number:
            self._number, self._sections, self._head = run.number, [], {}
            yield {"kind": "begin"}
        for place, take in enumerate(run.takes):
            if place == len(self._sections):
                self._sections.append(_TakeTelling(place, take, run.standings[place]))
            yield from self._sections[place].news(is_judged=run.report is not None)
        head = {"kind": "head", **head_of(run)}
        if head != self._head:
            self._head = head
            yield head


class _TakeTelling:
    """Tell one page about a benchmark."""

    def __init__(self, number: int, take: Take, standings: Standings) -> None:
        self._number = number
        self._take = take
        self._place = {"number": number, "id": anchor(take.label), "name": take.label}
        self._standings = standings
        self._known: object = None
        self._shape: object = None
        self._drawn: list[Panel] = []
        self._from_s = self._count = 0
        self._tables = ""

    def news(self, *, is_judged: bool) -> Iterator[Message]:
        """Yield its plots or their new values, and its tables."""
        take = self._take
        known = (take.version, self._standings.looks, is_judged)
        if known == self._known:
            return
        self._known = known
        shape = take.shape
        begin_s, end_s = take.span_s
        if shape != self._shape and (end_s - begin_s >= 2 * take.step_s):
            self._shape, self._tables = shape, ""
            self._drawn = [panel for panel in panels(take.series()) if panel.is_telling]
            data = panels_as_json(self._drawn, None)
            self._from_s, self._count = int(data["from"]), int(data["count"])  # type: ignore[call-overload]  # numbers
            yield {
                "kind": "section",
                **self._place,
                "html": live_section(self._number, take.label, self._drawn),
                "data": data,
            }
        elif self._drawn:
            yield from self._points(end_s)
        tables = live_tables(
            [threshold_table(self._standings, is_judged=is_judged), failures_table(take)]
        )
        if tables != self._tables:
            self._tables = tables
            yield {"kind": "tables", **self._place, "html": tables}

    def _points(self, end_s: int) -> Iterator[Message]:
        step_s = self._take.step_s
        count = (end_s - self._from_s) // step_s + 1
        first = max(0, min(self._count, count) - 1 - -(-_LATE_S // step_s))
        since_s = self._from_s + first * step_s
        found = {panel.title: panel for panel in panels(self._take.series(since_s))}
        values = []
        for panel in self._drawn:
            known = found.get(panel.title)
            lines = {} if known is None else {line.name: line for line in known.lines}
            values.append(
                [
                    values_of(lines[line.name], since_s, step_s, count - first)
                    if line.name in lines
                    else []
                    for line in panel.lines
                ]
            )
        self._count = count
        yield {
            "kind": "points",
            "number": self._number,
            "first": first,
            "count": count,
            "values": values,
        }


def head_of(run: FollowedRun) -> dict[str, Any]:
    """Return what the first screen of the page says of a run."""
    stage, record = run.stage, run.record
    facts = [f"run {run.run_id}"] if run.run_id else []
    if record is not None:
        facts += [f"profile {record.profile}", f"target {record.target}"]
    heading, sentence = heading_of(run)
    return {
        "stage": str(stage),
        "heading": heading,
        "facts": ", ".join(facts),
        "sentence": sentence,
        "can_stop": stage is RunStage.RUNNING,
        "report": f"report/{run.run_id}" if stage is RunStage.REPORTED else "",
        "glance": live_glance(glance(run)) if run.takes or record is not None else "",
        "told": told_html(run.sentences),
    }


def heading_of(run: FollowedRun) -> tuple[str, str]:
    """Return how the run is going, in a few words and in a sentence."""
    stage = run.stage
    if run.report is not None:
        told = run.report.get("ended") or f"exit code {run.report.get('exit_code')}"
        return f"Ended: {told}", str(run.report.get("verdict", ""))
    if stage is RunStage.KILLED:
        return _HEADINGS[stage], (
            "The run's process is gone and did not end the run, as after kill -9 or without "
            f"memory; nothing more comes. {_remedy(run)}"
        )
    if stage is RunStage.UNREPORTED:
        asked = "it was stopped from this page" if run.is_asked_to_stop else "nothing was judged"
        return _HEADINGS[stage], f"The run is over: {run.closed or asked}. {_remedy(run)}"
    sentence = _SENTENCES[stage]
    if stage is RunStage.RUNNING and (left := left_of(run)):
        sentence = f"{left} {sentence}"
    return _HEADINGS[stage], sentence


def _remedy(run: FollowedRun) -> str:
    if not run.takes:
        return "Nothing was measured."
    return (
        f"`perf-pipeline ingest {run.run_id}` stores what was measured, and `perf-pipeline report "
        f"{run.run_id}` shows it."
    )


def left_of(run: FollowedRun) -> str:
    """Say what is under way and how long it takes at most; empty before any load."""
    if not run.takes:
        return "The run is being prepared."
    take = run.takes[-1]
    left_s = max((scenario["left_s"] for scenario in take.scenarios), default=0.0)
    when = f"about {left_s:,.0f} s left" if left_s else "about to end"
    return f"{take.key.benchmark}: {when}."


def glance(run: FollowedRun) -> Table:
    """Return a row for each benchmark: those that ran, and those that are to come."""
    known = {take.key.benchmark for take in run.takes if take.key.run_id == run.run_id}
    planned = () if run.record is None else run.record.planned or ()
    rows = [_glance_row(run, take) for take in run.takes]
    if run.stage in {RunStage.RUNNING, RunStage.STOPPING}:
        rows += [(name, "TO_COME", *[""] * 5) for name in planned if name not in known]
    return Table.of(
        {
            "benchmark": "link",
            "status": "status",
            "time": "number",
            "iterations": "number",
            "last p95": "number",
            "failed": "number",
            "dropped": "number",
        },
        rows,
    )


def _glance_row(run: FollowedRun, take: Take) -> tuple[str, ...]:
    is_last = take is run.takes[-1] and run.closed is None
    is_alive = run.stage in {RunStage.RUNNING, RunStage.STOPPING}
    under_way = "UNDER_WAY" if is_alive else "CUT_OFF"
    p95s = [
        scenario["recent_p95_ms"]
        for scenario in take.scenarios
        if scenario["recent_p95_ms"] is not None
    ]
    return (
        take.label,
        under_way if is_last else "MEASURED",
        f"{take.elapsed_s:,.0f} s",
        number(sum(scenario["iterations"] for scenario in take.scenarios)),
        quantity(max(p95s), "ms") if p95s else "",
        number(sum(scenario["failed"] for scenario in take.scenarios)),
        number(sum(scenario["dropped_iterations"] for scenario in take.scenarios)),
    )


def threshold_table(standings: Standings, *, is_judged: bool) -> tuple[str, Table]:
    """Return where the thresholds stand, and the title that says what that is worth."""
    title = "Thresholds so far; the verdicts come at the end"
    if is_judged:
        title = "Thresholds as they stood shortly before the end; the report has the verdicts"
    if standings.is_too_much:
        title = "Thresholds: too much was measured to read it now; they are judged at the end"
    rows = (
        (
            standing.so_far,
            standing.threshold.key,
            beside_bound(standing.observed, standing.threshold),
            standing.threshold.source,
        )
        for standing in standings.found
    )
    return title, Table.of(
        {"so far": "status", "threshold": "metric", "observed": "number", "bound": "text"}, rows
    )


def failures_table(take: Take) -> tuple[str, Table]:
    """Return how operations failed, the most frequent way first."""
    ways = list(take.ways.items())
    total = sum(take.ways.values())
    rows = [
        (way, number(count), f"{100 * count / total:.0f} %") for way, count in ways[:_MOST_WAYS]
    ]
    if more := len(ways) - _MOST_WAYS:
        rows += [(f"and {plural(more, 'more way')}", "", "")] if more > 0 else []
    return "Failures so far", Table.of(
        {"failure": "prose", "operations": "number", "share": "number"}, rows
    )
