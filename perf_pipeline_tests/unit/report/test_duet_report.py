"""Every form of the report of a comparison says the same, also of what could not be told.

Add here: another form. Keep out: verdicts (unit/analysis/test_duet.py).
"""

import json
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from perf_pipeline.analysis.duet_blocks import BlockStatistic
from perf_pipeline.analysis.duet_record import DuetLoadRecord, DuetRecord
from perf_pipeline.analysis.duet_verdict import (
    ComparedStatistic,
    DuetFinding,
    DuetRules,
    DuetVerdict,
    OperationVerdict,
)
from perf_pipeline.analysis.paired_ratio import Ratio
from perf_pipeline.report.duet_html import render_duet_html
from perf_pipeline.report.duet_json import render_duet_json
from perf_pipeline.report.duet_junit import render_duet_junit
from perf_pipeline.report.duet_markdown import render_duet_markdown
from perf_pipeline.report.duet_terminal import render_duet, render_duet_ending

_SLOW = ComparedStatistic(BlockStatistic.MEDIAN, Ratio(1.052, 1.031, 1.074, 120), 4.0, 4.21, 0.02)
_OPEN = ComparedStatistic(BlockStatistic.P95, Ratio(1.01, 0.93, 1.10, 120), 9.0, 9.1, 0.05)
_FEW = ComparedStatistic(BlockStatistic.MEAN, Ratio(1.01, 0.0, float("inf"), 3), 5.0, 5.1, 0.04)
_EDGE = ComparedStatistic(BlockStatistic.MEAN, Ratio(1.039, 0.9, 1.15, 120), 5.0, 5.1, 0.04)
_ALIKE = ComparedStatistic(BlockStatistic.MEDIAN, Ratio(1.001, 0.992, 1.01, 120), 4.0, 4.0, 0.02)


def _operation(
    verdict: DuetVerdict, *compared: ComparedStatistic, reason: str = ""
) -> OperationVerdict:
    return OperationVerdict("get <a>", verdict, compared, (600, 600), (0, 6), 60.0, reason)


def _record(*operations: OperationVerdict) -> DuetRecord:
    load = DuetLoadRecord("orders", 1, DuetFinding(operations), 60.0)
    return DuetRecord(
        run_id="20260104-000000-abcdef",
        profile="shop",
        seed=7,
        began_at="2026-01-04T00:00:00+00:00",
        sides=("http://127.0.0.1:1", "http://127.0.0.1:2"),
        rules=DuetRules(),
        limit_s=180.0,
        loads=(load,),
        revisions=({}, {"commit": "0123abcd"}),
    )


_SLOWER = _record(_operation(DuetVerdict.SLOWER, _SLOW, _OPEN))
_UNDECIDED = _record(_operation(DuetVerdict.UNDECIDED, _OPEN, _FEW))
_EQUIVALENT = _record(_operation(DuetVerdict.EQUIVALENT, _ALIKE))


def test_the_screen_shows_sides_numbers_failures_and_the_answer() -> None:
    lines = render_duet(_SLOWER, 200).splitlines()

    assert "candidate  http://127.0.0.1:2 (commit 0123abcd)" in lines
    assert "measured   1m of at most 3m" in lines
    row = next(line for line in lines if "p50" in line).split()
    assert " ".join(row) == "get <a> p50 4 ms 4.21 ms +5.2 % +3.1 % to +7.4 % ±2 % SLOWER"
    assert (
        "- orders: get <a>: failed requests: baseline 0 of 600 (0 %), candidate 6 of 600 (1 %)"
        in lines
    )
    assert lines[-1] == "SLOWER: the candidate is slower than the baseline (exit code 98)"


@pytest.mark.parametrize(
    ("verdict", "end"),
    [
        (DuetVerdict.EQUIVALENT, "; the times of these answers are compared, too, as if they"),
        (DuetVerdict.NOT_MEASURED, "\n"),
    ],
)
def test_wrong_answers_are_told_beside_any_verdict(verdict: DuetVerdict, end: str) -> None:
    told = render_duet(_record(replace(_operation(verdict, _ALIKE), wrong=(180, 600))), 300)

    assert (
        "get <a>: answers that failed a check: baseline 180 of 600 (30 %), candidate 600 of 600 "
        f"(100 %){end}"
    ) in told


def test_what_is_undecided_says_what_it_would_take() -> None:
    # 60 s; the open p95 is 1.01 and its margin 5 %: half of the interval has to shrink from
    # ln(1.10 / 0.93) / 2 = 0.08395 to ln 1.05 - ln 1.01 = 0.03884, so that it takes
    # 60 s * (0.08395 / 0.03884)^2 = 280.3 s.
    told = " ".join(render_duet(_record(_operation(DuetVerdict.UNDECIDED, _OPEN)), 300).split())

    assert "p95 not decided" in told
    assert "it takes about 4m40s of measuring (--within)" in told
    assert "UNDECIDED: the time was too short to tell which side is faster (exit code 97)" in told


def test_an_interval_that_no_time_makes_short_enough_is_told_so() -> None:
    # It is nearly the margin: an interval that lies within it is far too short.
    record = _record(_operation(DuetVerdict.UNDECIDED, _EDGE))
    told = " ".join(render_duet(record, 300).split())

    assert json.loads(render_duet_json(record))["loads"][0]["operations"][0]["seconds_needed"] is (
        None
    )
    assert (
        "an hour would not be enough; use a higher rate, a quieter machine or a wider --margin"
        in told
    )


@pytest.mark.parametrize(
    ("record", "code"),
    [
        (_SLOWER, 98),
        (_record(_operation(DuetVerdict.FAILS_MORE, _ALIKE)), 98),
        (_EQUIVALENT, 0),
        (_record(_operation(DuetVerdict.FASTER, _ALIKE)), 0),
        (_UNDECIDED, 97),
        (replace(_UNDECIDED, on_undecided="pass"), 0),
        (replace(_SLOWER, stopped=True), 105),
        (replace(_EQUIVALENT, planned=2), 97),
        (_record(), 97),
        (
            replace(_SLOWER, loads=(replace(_SLOWER.loads[0], limits=("a side is gone",)),)),
            97,
        ),
        (
            replace(_EQUIVALENT, loads=(replace(_EQUIVALENT.loads[0], pauses=("late",)),)),
            97,
        ),
        (replace(_SLOWER, loads=(replace(_SLOWER.loads[0], pauses=("late",)),)), 98),
    ],
    ids=[
        *("slower", "fails more", "equivalent", "faster", "undecided", "undecided passes"),
        *("stopped", "a load is missing", "no request", "a side is gone"),
        *("a pause may hide a difference", "a pause makes no difference"),
    ],
)
def test_the_exit_code_follows_from_the_verdict(record: DuetRecord, code: int) -> None:
    assert record.exit_code == code
    assert f"(exit code {code})" in render_duet_ending(record)
    assert json.loads(render_duet_json(record))["exit_code"] == code


def test_a_candidate_that_may_be_faster_passes_because_it_is_not_slower() -> None:
    # p50 is between 7 % and 1 % faster: within neither verdict, but never slower by 2 %.
    faster = ComparedStatistic(BlockStatistic.MEDIAN, Ratio(0.96, 0.93, 1.0, 120), 4.0, 3.9, 0.02)
    record = _record(_operation(DuetVerdict.UNDECIDED, faster))

    assert record.exit_code == 0
    assert "the candidate is not slower than the baseline, and it may be faster" in (
        render_duet_ending(record)
    )


def test_the_answer_says_what_failed_and_that_more_time_would_not_tell() -> None:
    lost = replace(_operation(DuetVerdict.FAILS_MORE, _ALIKE), counts="messages")
    doubted = _operation(DuetVerdict.UNDECIDED, _ALIKE, reason="it stands behind find")

    assert "FAILS MORE: more messages of the candidate were not delivered" in (
        render_duet_ending(_record(lost))
    )
    assert render_duet_ending(_record(doubted)).strip() == (
        "UNDECIDED: it is unknown which side is faster, for the reasons that are given "
        "(exit code 97)"
    )


def test_json_has_no_number_that_json_has_not() -> None:
    told = json.loads(render_duet_json(_UNDECIDED))

    mean = told["loads"][0]["operations"][0]["statistics"]["mean"]
    assert (mean["low"], mean["high"], mean["blocks"]) == (None, None, 3)
    # 3 blocks in 60 s; an interval at such levels wants 24, so that it takes 8 times as long.
    assert told["loads"][0]["operations"][0]["seconds_needed"] == 480


def test_markdown_and_html_escape_what_comes_from_outside() -> None:
    assert "get \\<a\\>" in render_duet_markdown(_SLOWER)
    html = render_duet_html(_SLOWER)
    assert "get &lt;a&gt;" in html
    assert "<a>" not in html


def test_the_page_draws_an_interval_for_each_statistic() -> None:
    html = render_duet_html(_SLOWER)

    assert html.count('<line class="interval') == 2
    assert '<line class="interval slower"' in html
    assert "get &lt;a&gt; p50 +5.2 %, interval +3.1 % to +7.4 %, SLOWER" in html
    assert ">+10 %<" in html  # the axis ends at a round mark beyond the highest end, 7.4 %
    assert ">0 %<" in html


def _suite(record: DuetRecord) -> ET.Element:
    return ET.fromstring(render_duet_junit(record).partition("\n")[2])[0]  # noqa: S314 - ours


def test_junit_has_a_case_for_each_statistic_and_one_for_the_verdict() -> None:
    suite = _suite(_SLOWER)

    names = [case.get("name") for case in suite]
    assert names == ["get <a> p50", "get <a> p95", "verdict"]
    assert [len(case.findall("failure")) for case in suite] == [1, 0, 1]
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("3", "2", "0")


def test_junit_has_an_error_for_what_could_not_be_told() -> None:
    suite = _suite(_UNDECIDED)

    assert suite[-1].find("error") is not None
    assert suite.get("errors") == "1"
