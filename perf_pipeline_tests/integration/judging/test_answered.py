"""Whether the target answered, and what of the plan was lost: verdicts over stored samples."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from perf_pipeline.config.check_names import subjects_of
from perf_pipeline.judging.judge import judge_run
from perf_pipeline.judging.publish import publish
from perf_pipeline.metrics.sample import Outcome, Sample
from perf_pipeline.metrics.threshold import Status, Verdict
from perf_pipeline.report.junit import render_junit
from perf_pipeline.report.k6 import render_k6
from perf_pipeline.report.markdown import render_markdown
from perf_pipeline.report.terminal import render_terminal
from perf_pipeline.store.history import open_history
from perf_pipeline.store.proof import seal
from perf_pipeline.store.records import RunKey, ScenarioCounts
from perf_pipeline.store.sample_tables import SAMPLE_TABLES, delete_samples
from perf_pipeline.store.state import State
from perf_pipeline_tests.support.histories.spool import counts, sample
from perf_pipeline_tests.support.histories.verdicts import (
    CLOSED,
    FAST,
    judged,
    profile_with,
    stored,
)


def row(
    count: int, outcome: Outcome = Outcome.OK, *, start: int = 0, ms: float = 5
) -> list[Sample]:
    """Give operations that start 10 ms apart, from the `start`th on."""
    kinds: Mapping[Outcome, Mapping[str, Any]] = {
        Outcome.OK: {"status": 200},
        Outcome.FAILED: {"status": 0, "error": "refused"},
        Outcome.INTERRUPTED: {"status": 0},
        Outcome.TIMEOUT: {"status": 0, "error": "timeout"},
    }
    return [
        replace(
            sample(ms, outcome=outcome, started_us=1_000_000 + 10_000 * number),
            **kinds[outcome],
        )
        for number in range(start, start + count)
    ]


REFUSED, CUT, LATE = Outcome.FAILED, Outcome.INTERRUPTED, Outcome.TIMEOUT


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        (row(300), "PASS"),
        (row(79) + row(221, REFUSED, start=79), "FAIL"),
        # 5 % of the operations, and all of the last 150 ms of them.
        (row(285) + row(15, REFUSED, start=285), "FAIL"),
        # The last one alone: (0 + 1) / (299 + 2) = 0.3 % is rarer than 1 %; 1 / 52 is not.
        (row(299) + row(1, REFUSED, start=299), "FAIL"),
        (row(50) + row(1, REFUSED, start=50), "PASS"),
        # It came back.
        (row(285) + row(14, REFUSED, start=285) + row(1, start=299), "PASS"),
        # 5 of 100 fail on the way, and the last one does: (5 + 1) / (99 + 2 ...) is no surprise.
        (row(5, REFUSED) + row(94, start=5) + row(1, REFUSED, start=99), "FAIL"),
        (row(4, REFUSED) + row(95, start=4) + row(1, REFUSED, start=99), "PASS"),
        # A hang of one virtual user; a healthy one that is cut off; one connection of many hangs.
        (row(50) + row(1, CUT, start=50, ms=1_500), "FAIL"),
        (row(50) + row(1, CUT, start=50, ms=4), "PASS"),
        (row(50) + row(1, CUT, start=50, ms=1_500) + row(50, start=51), "PASS"),
        # What times out was started before others that went well: it only ends last.
        (row(50) + row(1, LATE, start=50, ms=9_000) + row(50, start=51), "PASS"),
        # Nobody saw anything of it; nothing at all.
        (row(2, CUT, ms=4), "NO_DATA"),
        ([], "NO_DATA"),
    ],
)
def test_a_target_that_does_not_answer_to_the_end_is_no_silent_pass(
    tmp_path: Path, samples: list[Sample], expected: str
) -> None:
    found = judged(tmp_path, samples)["target_answered"]

    assert found.status == expected, found


def test_the_reason_names_what_stopped_when_and_how(tmp_path: Path) -> None:
    """The first that was refused started 2.85 s after the first of all; the last ended at 3 s."""
    found = judged(tmp_path, row(285) + row(15, REFUSED, start=285, ms=10))["target_answered"]

    assert found.reason == (
        "no create_user of create went well in the last 0.1 s (15 failures: refused); "
        "it did not come back"
    )
    assert found.observed == pytest.approx(285 / 300)


def test_an_operation_that_goes_well_in_a_later_scenario_came_back(tmp_path: Path) -> None:
    later = [replace(operation, scenario="later") for operation in row(50, start=300)]
    samples = row(285) + row(15, REFUSED, start=285) + later
    found = judged(tmp_path, samples, FAST, CLOSED, counts("later", iterations=50))

    assert found["target_answered"].status is Status.PASS


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ([], None),
        (["rate>=0.5"], "PASS"),
        (["rate>=0.9"], "FAIL"),
        ([{"threshold": "rate>=0.9", "severity": "warn"}], "WARN"),
    ],
)
def test_the_check_moves_with_its_key_and_goes_only_by_name(
    tmp_path: Path, written: list[object], expected: str | None
) -> None:
    """40 of 200 fail, now and then: 80 % went well."""
    fives = [row(1, REFUSED, start=5 * n) + row(4, start=5 * n + 1) for n in range(40)]
    samples = [operation for five in fives for operation in five]
    found = judged(tmp_path, samples, {**FAST, "target_answered": written})

    assert found["http_req_duration"].status is Status.PASS
    assert (found["target_answered"].status if "target_answered" in found else None) == expected


def test_a_pruned_run_that_is_judged_again_keeps_its_failure(tmp_path: Path) -> None:
    stored(tmp_path, row(285) + row(15, REFUSED, start=285), profile_with(FAST))
    assert _answered(tmp_path).status is Status.FAIL
    with open_history(State(tmp_path).history_file) as history:
        delete_samples(history.connection, "true", {})
        history.connection.execute("update benchmarks set raw_kept = false")
        seal(history.connection, [RunKey("r1", "api")], (*SAMPLE_TABLES, "benchmarks"))

    assert _answered(tmp_path).status is Status.FAIL


def _answered(state: Path) -> Verdict:
    """Judge the stored run, and give what is said of its target."""
    (found,) = [
        v for v in judge_run(State(state), "r1")["api"] if v.threshold.key == "target_answered"
    ]
    return found


def lost(
    *, dropped: int = 0, interrupted: int = 0, incomplete: int = 0, planned: int = 100
) -> ScenarioCounts:
    ran = 100 - dropped - interrupted
    window = (1_000_000, 11_000_000)
    return ScenarioCounts("create", ran, dropped, interrupted, planned, *window, (), incomplete)


@pytest.mark.parametrize(
    ("counted", "more", "expected", "told"),
    [
        (lost(dropped=5), {}, "PASS", ""),
        (lost(dropped=6), {}, "NO_DATA", "6% of the starts of create were dropped (6 of 100)"),
        # Whoever speaks of dropped starts has decided how many may be.
        (lost(dropped=6), {"dropped_iterations": ["count<10"]}, "PASS", "6% of the starts"),
        # A share of failures knows nothing of what was never asked.
        (lost(dropped=6), {"http_req_failed": ["rate<0.01"]}, "NO_DATA", "6% of the starts"),
        (lost(interrupted=6), {}, "WARN", "6% of the starts of create were interrupted"),
        (lost(interrupted=6), {"interrupted_iterations": ["count<9"]}, "PASS", "6% of the starts"),
        (lost(incomplete=5), {}, "PASS", ""),
        (lost(incomplete=6), {}, "NO_DATA", "6% of the iterations of create ended early, because"),
        # The operations that were left out are in no share of failed ones.
        (lost(incomplete=6), {"http_req_failed": ["rate<0.1"]}, "NO_DATA", "6% of the iterations"),
        (lost(incomplete=6), {"checks": ["rate>0.9"]}, "PASS", "6% of the iterations"),
        # Every VU that loops freely has an iteration under way at the end.
        (lost(interrupted=50, planned=0), {}, "PASS", ""),
    ],
)
def test_a_share_of_the_plan_that_was_lost_is_told_and_makes_no_pass_where_nobody_speaks_of_it(
    tmp_path: Path,
    counted: ScenarioCounts,
    more: Mapping[str, list[object]],
    expected: str,
    told: str,
) -> None:
    samples = row(counted.iterations)
    found = judged(tmp_path, samples, {**FAST, **more}, counted)["http_req_duration"]

    assert found.status == expected, found
    assert found.reason.startswith(told)
    assert bool(found.reason) is bool(told)


def test_operations_without_an_answer_are_told_beside_what_they_touch(tmp_path: Path) -> None:
    """6 of 56 hang; without any threshold on failures a duration proves nothing."""
    samples = row(50) + row(6, CUT, start=50, ms=5_000)
    quiet = judged(tmp_path / "quiet", samples, {**FAST, "target_answered": []})
    told = judged(tmp_path / "told", samples)

    assert quiet["http_req_duration"].status is Status.NO_DATA
    assert told["http_req_duration"].status is Status.PASS
    assert told["http_req_duration"].reason == (
        "11% of the operations of create were not answered (6 of 56)"
    )
    assert told["target_answered"].status is Status.FAIL


def test_every_report_has_the_row_and_the_reason(tmp_path: Path) -> None:
    profile = profile_with(FAST)
    stored(tmp_path, row(50) + row(6, CUT, start=50, ms=5_000), profile)
    judge_run(State(tmp_path), "r1", profile=profile)
    report = publish(State(tmp_path), "r1", profile=profile, expected=["api"])
    flat = " ".join(render_terminal(report, width=100).split())
    of_k6 = json.loads(render_k6(report))["benchmarks"]["api"]["metrics"]["target_answered"]

    for text in (flat, render_markdown(report), render_junit(report)):
        assert "target_answered" in text
        assert "11% of the operations of create were not answered (6 of 56)" in text
        assert "it did not come back" in text
    assert of_k6["thresholds"]["rate>=0.95"]["ok"] is False
    assert "it did not come back" in of_k6["thresholds"]["rate>=0.95"]["reason"]
    assert int(report.exit_code) == 99


def test_every_benchmark_of_a_profile_has_the_check_in_dagster() -> None:
    name, off = "target_answered__rate", profile_with({"target_answered": []})

    assert name in subjects_of("api", [profile_with({})])
    assert name not in subjects_of("api", [off])
    assert name in subjects_of("api", [off, profile_with({})])
