"""Render JUnit XML: a suite for each benchmark, a case for everything that is judged.

FAIL and REGRESSED are failures, the latter once for each cause: other series of the same cause are
skipped and name the failing case. NO_DATA and INVALID are errors (nothing is known); a comparison
without a verdict is skipped, because it fails no run; WARN, SUSPECT and the rest pass, with a text
in system-out. A withheld gate has its own case, which is an error if it fails the run. Shape: the
Jenkins xunit schema (junit-10.xsd) as far as CI systems read it.
Add here: another kind of case. Keep out: figures without a judgement.
"""

import xml.etree.ElementTree as ET
from collections.abc import Iterable
from typing import Final, Literal

from perf_pipeline.analysis.baseline import Diff, DiffStatus
from perf_pipeline.analysis.causes import Cause
from perf_pipeline.metrics.threshold import Status, Verdict
from perf_pipeline.report import why, wording
from perf_pipeline.report.diff_texts import DiffTexts
from perf_pipeline.report.finding_texts import name_of
from perf_pipeline.report.model import BenchmarkReport, BenchmarkStatus, RunReport
from perf_pipeline.report.revisions import revision_rows, tag_rows
from perf_pipeline.report.searches import found_sentence

Result = Literal["passed", "failure", "error", "skipped"]

_BY_VERDICT: Final[dict[Status, Result]] = {
    Status.PASS: "passed",
    Status.WARN: "passed",
    Status.FAIL: "failure",
    Status.NO_DATA: "error",
    Status.INVALID: "error",
}
_BY_DIFF: Final[dict[DiffStatus, Result]] = {
    DiffStatus.REGRESSED: "failure",
    DiffStatus.NO_DATA: "skipped",
    DiffStatus.INVALID: "skipped",
    DiffStatus.LEARNING: "skipped",
    DiffStatus.ENVIRONMENT_CHANGED: "skipped",
}
_DECLARATION: Final = '<?xml version="1.0" encoding="utf-8"?>'
_GRAVITY: Final = ("passed", "skipped", "failure", "error")


def render_junit(report: RunReport) -> str:
    """Return the report as XML text; every character in it is legal in XML 1.0."""
    root = ET.Element("testsuites", name=_text(f"perf_pipeline {report.profile}"))
    for benchmark in report.benchmarks:
        suite = _suite(root, benchmark.name, report, benchmark.wall_s)
        _ran(suite, benchmark)
        for subject, verdicts in _by_subject(benchmark.verdicts).items():
            _judged(suite, benchmark.name, subject, verdicts)
    if not report.benchmarks:
        suite = _suite(root, "run", report, report.wall_s)
        _case(suite, "run", "benchmarks", "error", "no benchmark ran")
    if report.diffs:
        suite = _suite(root, "baseline_diff", report, 0.0)
        leading = {id(other): cause for cause in report.causes for _, other in cause.others}
        for name, diff in report.diffs:
            _compared(suite, name, diff, leading.get(id(diff)))
        if report.withheld is not None:
            told = f"{why.WITHHELD} {why.withheld_sentence(report.withheld, report.run_id)}"
            result: Result = "error" if report.withheld.ends_with_failure else "skipped"
            _case(suite, "baseline", "gate", result, told)
    for suite in (*root, root):
        _count(suite)
    root.set("time", f"{report.wall_s:.3f}")
    ET.indent(root)
    return f"{_DECLARATION}\n{ET.tostring(root, encoding='unicode')}\n"


def _text(text: str) -> str:
    return wording.printable(text)


def _suite(root: ET.Element, name: str, report: RunReport, wall_s: float) -> ET.Element:
    suite = ET.SubElement(
        root,
        "testsuite",
        name=_text(name),
        time=f"{wall_s:.3f}",
        timestamp=report.began_at.strftime("%Y-%m-%dT%H:%M:%S"),
    )
    if facts := {**revision_rows(report.revision), **tag_rows(report.tags)}:
        properties = ET.SubElement(suite, "properties")
        for fact, value in facts.items():
            ET.SubElement(properties, "property", name=fact, value=_text(value))
    return suite


def _case(
    suite: ET.Element,
    classname: str,
    name: str,
    result: Result,
    message: str,
    *,
    time_s: float = 0.0,
) -> None:
    case = ET.SubElement(
        suite, "testcase", classname=_text(classname), name=_text(name), time=f"{time_s:.3f}"
    )
    if result == "passed":
        if message:
            ET.SubElement(case, "system-out").text = _text(message)
        return
    outcome = ET.SubElement(case, result, message=_text(message))
    if result != "skipped":
        outcome.set("type", message.split(" ", maxsplit=1)[0])
        outcome.text = _text(message)


def _ran(suite: ET.Element, benchmark: BenchmarkReport) -> None:
    sentences = [*benchmark.problems, *(benchmark.invalid_reasons if not benchmark.valid else ())]
    status = str(benchmark.status) if benchmark.valid else str(Status.INVALID)
    fine = benchmark.valid and benchmark.status in {
        BenchmarkStatus.COMPLETED,
        BenchmarkStatus.ABORTED,
    }
    if not sentences:
        sentences += filter(None, [found_sentence(benchmark)])
    message = f"{status} {'; '.join(sentences)}".rstrip()
    _case(
        suite,
        benchmark.name,
        "benchmark_ran",
        "passed" if fine else "error",
        "" if message == "COMPLETED" else message,
        time_s=benchmark.wall_s,
    )


def _by_subject(verdicts: Iterable[Verdict]) -> dict[str, list[Verdict]]:
    subjects: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        subjects.setdefault(verdict.threshold.subject, []).append(verdict)
    return subjects


def _judged(suite: ET.Element, benchmark: str, subject: str, verdicts: list[Verdict]) -> None:
    results = [_BY_VERDICT[verdict.status] for verdict in verdicts]
    worst = max(results, key=_GRAVITY.index)
    told = [
        f"{verdict.status} {verdict.threshold.key} {verdict.threshold.source}: "
        f"{_seen(verdict)}".rstrip()
        for verdict, result in zip(verdicts, results, strict=True)
        if result == worst
    ]
    _case(suite, benchmark, subject, worst, "; ".join(told))


def _seen(verdict: Verdict) -> str:
    """Write figure and reason; the reason for a wholly INVALID benchmark is in a single case."""
    seen = wording.observed(verdict)
    if verdict.status is Status.INVALID:
        return f"{seen}, see benchmark_ran"
    return f"observed {seen} {verdict.reason}"


def _compared(suite: ET.Element, benchmark: str, diff: Diff, cause: Cause | None) -> None:
    """Add the case of a series; `cause` is the finding that it belongs to and does not lead."""
    told = DiffTexts.of(benchmark, diff)
    message = (
        f"{told.status} {told.change} against {told.reference} (n {told.runs}, CV "
        f"{told.variation}), interval {told.interval} {told.reason}"
    ).rstrip()
    pinned = f" {diff.against or 'pinned'}" if diff.pinned is not None else ""
    name = f"{told.series}{pinned}"
    result = _BY_DIFF.get(diff.status, "passed")
    if cause is not None and result == "failure":
        result, message = "skipped", f"{message}; one finding with {name_of(cause)}, which fails"
    _case(suite, f"baseline.{benchmark}", name, result, message)


def _count(element: ET.Element) -> None:
    cases = list(element.iter("testcase"))
    element.set("tests", str(len(cases)))
    for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        element.set(attribute, str(sum(case.find(tag) is not None for case in cases)))
