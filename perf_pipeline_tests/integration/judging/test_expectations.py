"""Answers that fail a check never pass in silence; whoever speaks of checks decides by himself."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from perf_pipeline.metrics.sample import Sample
from perf_pipeline.metrics.threshold import Status
from perf_pipeline_tests.support.histories.spool import sample
from perf_pipeline_tests.support.histories.verdicts import FAST, judged


def answers(right: int, wrong: int) -> list[Sample]:
    """Give answers with status 200, of which some fail the operation's only check."""
    return [
        sample(
            5,
            status=200,
            started_us=1_000_000 + 10_000 * number,
            checks_passed=int(number >= wrong),
            checks_failed=int(number < wrong),
        )
        for number in range(right + wrong)
    ]


@pytest.mark.parametrize(
    ("wrong", "more", "expected"),
    [
        (0, {}, "PASS"),
        (5, {}, "PASS"),
        (6, {}, "FAIL"),
        (100, {}, "FAIL"),
        # Half of the operations may fail, so half of the answers may be wrong.
        (50, {"target_answered": ["rate>=0.5"]}, "PASS"),
        (51, {"target_answered": ["rate>=0.5"]}, "FAIL"),
        (51, {"target_answered": [{"threshold": "rate>=0.5", "severity": "warn"}]}, "WARN"),
        (100, {"checks": ["rate>=0"]}, "PASS"),
        (100, {"errors": ["rate<=1"]}, "PASS"),
        (100, {"checks{operation:create_user}": ["rate>=0"]}, "PASS"),
        (100, {"checks{scenario:create}": ["rate>=0"]}, "PASS"),
        # No figure of a request's speaks of its body.
        (100, {"http_req_failed": ["rate<0.01"]}, "FAIL"),
    ],
)
def test_a_share_of_wrong_answers_fails_where_no_threshold_covers_them(
    tmp_path: Path, wrong: int, more: Mapping[str, list[object]], expected: str
) -> None:
    found = judged(tmp_path, answers(100 - wrong, wrong), {**FAST, **more})["target_answered"]

    assert found.status == expected, found
    assert found.observed == pytest.approx(1.0)
    assert bool(found.reason) is (expected in {"FAIL", "WARN"})


def test_the_reason_names_the_check_and_where_it_failed(tmp_path: Path) -> None:
    found = judged(tmp_path, answers(40, 60))

    assert found["target_answered"].reason == (
        "60% of the answers to create_user of create failed the check 'check 0' (60 of 100), and "
        "no threshold on checks covers this"
    )
    assert found["http_req_duration"].status is Status.PASS
