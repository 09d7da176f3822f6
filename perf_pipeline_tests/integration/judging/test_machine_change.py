"""A machine that is slower for good is the new baseline after five runs, and hides nothing then."""

from pathlib import Path
from typing import Final

import pytest

from perf_pipeline.analysis.baseline import Diff, DiffStatus
from perf_pipeline.config.loading import load_profile
from perf_pipeline.judging.notices import notices_of
from perf_pipeline.store.baselines import (
    ChangePointRow,
    FoundBy,
    SeriesKey,
    changes,
    store_changes,
)
from perf_pipeline.store.history import open_history
from perf_pipeline.store.state import State
from perf_pipeline_tests.support.histories.compared_in_turn import compared_in_turn
from perf_pipeline_tests.support.histories.synthetic_history import API, QUIET, Made, add_runs

P95: Final = SeriesKey(API, "http_req_duration", "", "p(95)")
TIERS = ("db_query_duration", "message_delivery_duration", "message_processing_duration")


def _compared(
    state: Path, *p95_ms: float, database: float = 1.0, machine_ms: float | None = None
) -> list[list[Diff]]:
    """Store and compare run after run, each with figures of four tiers."""
    profile = load_profile("quick")
    also = dict.fromkeys(TIERS, 1.0) | {TIERS[0]: database}
    runs = [
        Made({API: value}, profile=profile, also=also, machine_ms=machine_ms) for value in p95_ms
    ]
    found = compared_in_turn(state, runs).values()
    return [[diff for _, diff in diffs if diff.pinned is None] for diffs in found]


def _history(state: Path, machine_ms: float | None = None) -> None:
    """Store eight quiet runs that nobody has compared yet."""
    also = dict.fromkeys(TIERS, 1.0)
    add_runs(state, [Made({API: value}, also=also, machine_ms=machine_ms) for value in QUIET])


def _statuses(runs: list[list[Diff]]) -> list[set[DiffStatus]]:
    return [{diff.status for diff in run if diff.series.statistic == "p(95)"} for run in runs]


def test_five_runs_on_a_slower_machine_are_the_new_baseline(tmp_path: Path) -> None:
    _history(tmp_path)

    slower = _compared(tmp_path, *(1.2 * value for value in QUIET[:5]))
    after = _compared(tmp_path, 1.2 * QUIET[5])
    twice = _compared(tmp_path, *(1.2 * value for value in QUIET[:2]), database=2)

    assert _statuses(slower) == [{DiffStatus.ENVIRONMENT_CHANGED}] * 5
    assert slower[0][0].reason.startswith("many unrelated metrics became worse together")
    assert _statuses(after) == [{DiffStatus.OK}]
    assert {diff.noise.n for diff in after[0]} == {5}
    with open_history(State(tmp_path).history_file) as history:
        rows = [row for row in changes(history) if row.found_by == "machine"]
    assert {row.run_id for row in rows} == {"r009"}
    assert len(rows) == len(after[0])
    # a database that is twice as slow is found at the second run, and nothing else
    regressed = {diff.series.metric for diff in twice[1] if diff.status is DiffStatus.REGRESSED}
    assert regressed == {"db_query_duration"}


def _level(run_id: str, found_by: FoundBy, before: float, after: float) -> ChangePointRow:
    return ChangePointRow(run_id, P95, found_by, before, after)


SLOWER: Final = _level("r002", "machine", 80.0, 96.0)


@pytest.mark.parametrize(
    ("later", "calibrated", "is_told"),
    [
        ((), False, True),
        ((), True, False),
        ((_level("r002", "accepted", 80.0, 96.0),), False, False),
        ((_level("r003", "accepted", 96.0, 97.0),), False, False),
        ((_level("r003", "gate", 96.0, 81.0),), False, False),
        ((_level("r003", "gate", 96.0, 120.0),), False, True),
    ],
    ids=["open", "calibrated", "accepted", "accepted_later", "came_back", "slower_still"],
)
def test_a_slower_level_that_nobody_accepted_is_told_in_every_run(
    tmp_path: Path, later: tuple[ChangePointRow, ...], calibrated: bool, is_told: bool
) -> None:
    made = [Made({API: 80.0}, machine_ms=20.0 if calibrated else None)] * 3
    add_runs(tmp_path, made)
    with open_history(State(tmp_path).history_file) as history:
        store_changes(history, [SLOWER, *later])
        told = [text for text in notices_of(history, "r003") if "nobody has accepted" in text]
        before = [text for text in notices_of(history, "r001") if "nobody has accepted" in text]

    assert before == []
    assert bool(told) is is_told
    if is_told:
        assert told[0].startswith(
            "since run r002 of 2026-11-01 the baseline is a slower level, which nobody has "
            "accepted: every tier became slower at once, by about 20 % in 1 series"
        )
        assert '`perf-pipeline baseline accept r002 --reason "..."`' in told[0]


@pytest.mark.parametrize(
    ("machine_ms", "slower"), [(20.0, 1.2), (23.0, 1.6)], ids=["as_usual", "explains_a_part"]
)
def test_a_machine_that_does_not_explain_it_is_not_made_responsible(
    tmp_path: Path, machine_ms: float, slower: float
) -> None:
    # ln 1.6 - ln(23 / 20) = 0.33 is what all tiers share beside it, more than the ln 1.15 = 0.14
    _history(tmp_path, machine_ms=20.0)

    _compared(tmp_path, *(slower * value for value in QUIET[:5]), machine_ms=machine_ms)

    with open_history(State(tmp_path).history_file) as history:
        assert not [row for row in changes(history) if row.found_by == "machine"]
