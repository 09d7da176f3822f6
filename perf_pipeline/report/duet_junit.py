"""Render a comparison of two sides as JUnit XML: a case for each statistic of each operation.

SLOWER and FAILS MORE are failures. An undecided case is an error, unless undecided passes.
Add here: another kind of case. Keep out: figures without a judgement.
"""

import xml.etree.ElementTree as ET
from collections.abc import Iterable
from typing import Final

from perf_pipeline.analysis.duet_record import DuetRecord
from perf_pipeline.analysis.duet_verdict import WORSE
from perf_pipeline.errors import ExitCode
from perf_pipeline.report import wording
from perf_pipeline.report.duet_words import HEADINGS, DuetRow, outcome_of, rows_of, sentences_of

_DECLARATION: Final = '<?xml version="1.0" encoding="utf-8"?>'
_WORSE: Final = frozenset(map(str, WORSE))


def render_duet_junit(record: DuetRecord) -> str:
    """Return the comparison as XML text with only characters that are legal in XML 1.0."""
    root = ET.Element("testsuites", name=_text(f"perf_pipeline duet {record.profile}"))
    suite = ET.SubElement(root, "testsuite", name="duet", timestamp=record.began_at[:19])
    for row in rows_of(record):
        name = f"{row.operation.operation} {row.compared.statistic}"
        case = _case(suite, f"duet.{row.benchmark}", name)
        _told(case, "failure" if row.cells[-1] in _WORSE else "", _sentence(row))
    case = _case(suite, "duet", "verdict")
    kinds = {ExitCode.OK: "", ExitCode.REGRESSED: "failure"}
    _told(case, kinds.get(record.exit_code, "error"), outcome_of(record), sentences_of(record))
    for kind, attribute in (("failure", "failures"), ("error", "errors")):
        suite.set(attribute, str(len(suite.findall(f"testcase/{kind}"))))
    suite.set("tests", str(len(suite)))
    return f"{_DECLARATION}\n{ET.tostring(root, encoding='unicode')}\n"


def _case(suite: ET.Element, classname: str, name: str) -> ET.Element:
    return ET.SubElement(suite, "testcase", classname=_text(classname), name=_text(name))


def _told(case: ET.Element, kind: str, message: str, more: Iterable[str] = ()) -> None:
    """Write the text into the case: as a failure, as an error, or as its output."""
    text = "\n".join((message, *more))
    if kind:
        ET.SubElement(case, kind, message=_text(message)).text = _text(text)
    else:
        ET.SubElement(case, "system-out").text = _text(text)


def _sentence(row: DuetRow) -> str:
    return ", ".join(
        f"{name} {cell}" for name, cell in zip(HEADINGS[2:], row.cells[2:], strict=True)
    )


def _text(text: str) -> str:
    return wording.printable(text)
