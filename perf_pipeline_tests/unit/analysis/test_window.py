import math

import pytest

from perf_pipeline.analysis.baseline import DiffStatus, Series, diff
from perf_pipeline.analysis.suspicion import BaselinePolicy
from perf_pipeline.analysis.window import anchor, in_line

POLICY = BaselinePolicy()
P95 = Series("http_req_duration", {}, "p(95)")
QUIET = [800.0, 808.0, 792.0, 804.0, 796.0, 800.0, 806.0, 794.0]  # about 0.7 % of noise
SLOW, FAST = 1_000.0, 600.0


def test_the_baseline_is_named_by_the_runs_that_it_is_made_of() -> None:
    history = [*QUIET, math.nan, SLOW, 800.0]

    outcome = diff(P95, 800.0, history, POLICY)

    assert outcome.baseline == (0, 1, 2, 3, 4, 5, 6, 7, 10)
    assert in_line([*QUIET, SLOW, 800.0], POLICY) == (0, 1, 2, 3, 4, 5, 6, 7, 9)


@pytest.mark.parametrize(
    ("after", "value", "status", "since"),
    [
        ([SLOW], SLOW, DiffStatus.REGRESSED, 8),
        ([SLOW, 800.0], SLOW, DiffStatus.REGRESSED, 8),
        ([800.0, SLOW], SLOW, DiffStatus.REGRESSED, 9),
        ([SLOW] * 4, SLOW, DiffStatus.REGRESSED, 8),
        # the first slow run stood alone and is no part of the change
        ([SLOW, 800.0, 800.0, SLOW], SLOW, DiffStatus.REGRESSED, 11),
        ([FAST], FAST, DiffStatus.IMPROVED, 8),
        ([], FAST, DiffStatus.IMPROVED, None),
        ([], SLOW, DiffStatus.SUSPECT, None),
        ([SLOW], FAST, DiffStatus.IMPROVED, None),
        ([SLOW, SLOW], 800.0, DiffStatus.OK, None),
    ],
)
def test_a_confirmed_change_is_dated_to_its_first_run(
    after: list[float], value: float, status: DiffStatus, since: int | None
) -> None:
    outcome = diff(P95, value, [*QUIET, *after], POLICY)

    assert (outcome.status, outcome.changed_since) == (status, since)


@pytest.mark.parametrize(
    ("after", "start"),
    [
        ([], 0),
        ([SLOW] * 4, 0),  # 4 of the 5 runs that a baseline needs
        ([SLOW] * 5, 8),
        ([FAST] * 5, 8),
        ([SLOW, SLOW, 800.0, 800.0, 800.0], 0),  # repaired at once
        ([SLOW, SLOW, 800.0, SLOW, 800.0], 8),
        ([SLOW, SLOW, FAST, FAST, 800.0], 0),  # no level at all
    ],
)
def test_a_confirmed_change_anchors_when_its_level_is_known(after: list[float], start: int) -> None:
    assert anchor([*QUIET, *after], [8], POLICY) == start


def test_re_runs_make_no_level_known() -> None:
    # Each of the runs 8, 11, 14, 17 and 20 was run again twice, at once.
    repeats = frozenset(range(8, 23)) - {8, 11, 14, 17, 20}

    assert anchor([*QUIET, *[SLOW] * 14], [8], POLICY) == 8
    assert anchor([*QUIET, *[SLOW] * 12], [8], POLICY, repeats=repeats) == 0  # 4 runs
    assert anchor([*QUIET, *[SLOW] * 13], [8], POLICY, repeats=repeats) == 8  # 5 runs


def test_the_last_change_whose_level_is_known_anchors() -> None:
    values = [*QUIET, *[SLOW] * 6, *[FAST] * 5, 800.0, 800.0]

    assert anchor(values, [8, 14, 19], POLICY) == 14
    assert anchor(values, [], POLICY) == 0


def test_after_the_anchor_the_new_level_is_the_normal_one() -> None:
    values = [*QUIET, *[1.25 * value for value in QUIET[:5]]]
    start = anchor(values, [8], POLICY)

    assert diff(P95, SLOW, values[start:], POLICY).status is DiffStatus.OK
    assert diff(P95, 800.0, values[start:], POLICY).status is DiffStatus.IMPROVED
