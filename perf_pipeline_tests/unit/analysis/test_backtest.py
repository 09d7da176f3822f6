import random
from dataclasses import replace

import pytest

from perf_pipeline.analysis.backtest import (
    GateTally,
    ReplayedSeries,
    newest_level,
    planted,
    replay,
    tally,
)
from perf_pipeline.analysis.baseline import DiffStatus, Series
from perf_pipeline.analysis.machine import Machine
from perf_pipeline.analysis.suspicion import BaselinePolicy

POLICY = BaselinePolicy()
P95 = Series("http_req_duration", {}, "p(95)")
QUIET = [800.0, 808.0, 792.0, 804.0, 796.0, 800.0, 806.0, 794.0]  # about 0.7 % of noise
SLOW = [1.25 * value for value in QUIET]


def track(values: list[float], series: Series = P95, benchmark: str = "api") -> ReplayedSeries:
    return ReplayedSeries(
        benchmark, series, tuple(f"r{n}" for n in range(len(values))), tuple(values)
    )


def runs(count: int) -> list[str]:
    return [f"r{n}" for n in range(count)]


def test_a_replay_judges_each_run_by_those_before_it_and_anchors_anew() -> None:
    statuses = [diff.status for diff in replay(track([*QUIET, *SLOW, *QUIET]), POLICY)]

    assert statuses[:8] == [DiffStatus.LEARNING] * 5 + [DiffStatus.OK] * 3
    assert statuses[8:16] == [
        DiffStatus.SUSPECT,
        *[DiffStatus.REGRESSED] * 4,
        *[DiffStatus.OK] * 3,
    ]
    assert statuses[16:] == [DiffStatus.IMPROVED] * 5 + [DiffStatus.OK] * 3


def test_a_replay_takes_out_what_the_calibration_says_of_the_machine() -> None:
    usual = [Machine(0.1 * x, 0.1 * x, 0.1 * x) for x in (1.0, 1.01, 0.99, 1.02, 0.98)]
    slow = Machine(0.14, 0.14, 0.14)
    values = [*QUIET, 1.4 * 800, 1.4 * 800, 800.0]
    calibrated = replace(track(values), machines=(*usual, *usual[:3], slow, slow, usual[0]))

    without, found = replay(track(values), POLICY), replay(calibrated, POLICY)

    assert [diff.status for diff in without[8:10]] == [DiffStatus.SUSPECT, DiffStatus.REGRESSED]
    assert [diff.status for diff in found[8:]] == [DiffStatus.OK] * 3


def test_planted_slowdowns_are_found_beside_two_machines_that_are_calibrated() -> None:
    kinds = (1.0, 1.01, 1.4, 0.99, 1.0, 1.41, 1.02, 0.98, 1.39, 1.0, 1.01, 1.4) * 2
    level = ReplayedSeries(
        "api",
        P95,
        tuple(runs(len(kinds))),
        tuple(800 * kind for kind in kinds),
        tuple(Machine(0.1 * kind, 0.1 * kind, 0.1 * kind) for kind in kinds),
    )

    assert planted(level, POLICY, 1.5)[0]
    assert newest_level(level, POLICY).machines[-1] == level.machines[-1]


def test_an_alarm_at_a_change_of_level_is_explained_and_counted_as_caught() -> None:
    found = tally([track([*QUIET, *SLOW])], runs(16), POLICY)

    assert [(alarm.run_id, alarm.explained) for alarm in found.alarms] == [("r9", True)]
    assert (found.worse_changes, found.runs_until_caught) == (1, (2,))
    assert (found.judged_runs, found.false_alarms_per_100_runs) == (11, 0)


def test_an_alarm_that_nothing_explains_is_a_false_one() -> None:
    # two wild runs that are no level
    found = tally([track([*QUIET, SLOW[0], SLOW[1], *QUIET])], runs(18), POLICY)

    assert [(alarm.run_id, alarm.explained) for alarm in found.alarms] == [("r9", False)]
    # 18 runs, 5 of them learning: 1 of 13
    assert found.false_alarms_per_100_runs == pytest.approx(100 / 13)


def test_an_alarm_of_the_newest_run_is_not_decided_yet() -> None:
    (alarm,) = tally([track([*QUIET, *SLOW[:2]])], runs(10), POLICY).alarms

    assert alarm.explained is None


def test_an_improvement_is_no_change_for_the_worse() -> None:
    found = tally([track([*SLOW, *QUIET])], runs(16), POLICY)

    assert (found.worse_changes, found.alarms) == (0, ())


def test_many_series_that_move_together_withhold_the_gate() -> None:
    metrics = ("http_req_duration", "db_query_duration", "message_delivery_duration")
    tracks = [track([*QUIET, *SLOW[:4]], Series(name, {}, "p(95)"), name) for name in metrics]
    tracks.append(track(QUIET + QUIET[:4], Series("consume_rate", {}, "value"), "consume"))

    found = tally(tracks, runs(12), POLICY)

    assert (found.withheld_runs, found.alarms) == (4, ())


def test_a_history_without_runs_gives_no_rate() -> None:
    assert tally([], [], POLICY).false_alarms_per_100_runs is None


@pytest.mark.parametrize(
    ("values", "factor", "found"),
    [
        # 8 runs: three of them are made worse, five are the history
        (QUIET, 1.5, [True]),
        (QUIET, 1.02, [False]),  # below the minimum effect
        (QUIET[:7], 1.5, []),  # too short
        ([*SLOW, *QUIET], 1.5, [True]),  # only the last level
        ([*QUIET, *QUIET], 1.5, [True] * 3),  # at 16, 13 and 10 runs
    ],
)
def test_a_planted_slowdown_is_found_where_it_can_be(
    values: list[float], factor: float, found: list[bool]
) -> None:
    assert planted(newest_level(track(values), POLICY), POLICY, factor) == found


def test_less_throughput_is_planted_where_more_is_better() -> None:
    assert planted(track(QUIET, Series("http_reqs", {}, "rate")), POLICY, 1.5) == [True]


def test_a_series_that_is_judged_in_points_has_no_level_to_plant_in() -> None:
    assert newest_level(track(QUIET, Series("http_req_failed", {}, "rate")), POLICY).values == ()


def test_identical_runs_have_few_false_alarms() -> None:
    # required: any alarm in 20 runs <= 3 %, that is 0.15 a 100 runs; 10 histories of 60 runs
    seeded = random.Random(8)
    alarms = judged = 0
    for _ in range(10):
        values = [seeded.lognormvariate(6.7, 0.1) for _ in range(60)]
        found = tally([track(values)], runs(60), POLICY)
        alarms, judged = alarms + found.false_alarm_runs, judged + found.judged_runs

    assert judged == 550
    assert alarms <= 5  # early histories of five runs alarm more than those of thirty


@pytest.mark.parametrize(
    ("judged", "at_most"),
    [
        # no alarm in n runs: 1 - 0.05 ** (1 / n)
        (0, None),
        (1, 95.0),
        (11, 23.84),
        (56, 5.21),
    ],
)
def test_few_runs_without_an_alarm_prove_little(judged: int, at_most: float | None) -> None:
    quiet = GateTally(judged, 0, (), 0, ())

    assert quiet.false_alarms_at_most == (at_most and pytest.approx(at_most, abs=0.005))


def test_an_alarm_after_a_change_during_learning_is_explained() -> None:
    # the fifth run is the last that is learned, and the first of the new level
    found = tally([track([*QUIET[:4], *SLOW])], runs(12), POLICY)

    assert [alarm.explained for alarm in found.alarms] == [True]
    assert found.false_alarms_per_100_runs == 0
    # what the gate could not judge, it could not catch
    assert (found.worse_changes, found.runs_until_caught) == (0, ())
