"""The check `fresh` counts valid runs only, and is written down when it changes."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg

from perf_pipeline.defs.freshness import age_of, freshness_of, looked
from perf_pipeline.store.state import State
from perf_pipeline_tests.support.histories.synthetic_history import API, Made, add_runs

WEEK = timedelta(days=7)
# The made-up runs begin at one o'clock and at two.
SIX_DAYS_LATER = datetime(2026, 11, 7, 1, tzinfo=UTC)
EIGHT_DAYS_LATER = datetime(2026, 11, 9, 1, tzinfo=UTC)


def test_only_a_valid_run_counts(tmp_path: Path) -> None:
    state = State(tmp_path)
    nothing = age_of(state, WEEK, SIX_DAYS_LATER)
    add_runs(tmp_path, [Made({API: 80.0}), Made({API: 80.0}, valid=False)])

    assert nothing == (False, "There is no valid run, so nothing is known of the target.")
    assert age_of(state, WEEK, SIX_DAYS_LATER)[0]
    passed, sentence = age_of(state, WEEK, EIGHT_DAYS_LATER)
    assert not passed
    assert sentence.startswith("The last valid run, r001, began ")
    # A run of another machine, whose clock is 2 minutes ahead.
    passed, sentence = age_of(state, WEEK, datetime(2026, 11, 1, 0, 58, tzinfo=UTC))
    assert passed
    assert sentence == "The last valid run, r001, began 0s ago; it may be 168h old."
    # A clock that was ahead when it ran would keep the check fresh until that day.
    passed, sentence = age_of(state, WEEK, datetime(2026, 10, 1, tzinfo=UTC))
    assert not passed
    assert sentence.startswith("The last valid run, r001, is dated 2026-11-01 01:00 UTC, which is ")


def test_the_check_is_written_down_when_it_changes(tmp_path: Path) -> None:
    state = State(tmp_path)
    add_runs(tmp_path, [Made({API: 80.0})])

    first = looked(state, WEEK, "", SIX_DAYS_LATER)
    same = looked(state, WEEK, first.cursor or "", SIX_DAYS_LATER)
    later = looked(state, WEEK, same.cursor or "", EIGHT_DAYS_LATER)

    told = [event for result in (first, same, later) for event in result.asset_events]
    assert [
        (event.check_name, event.passed)
        for event in told
        if isinstance(event, dg.AssetCheckEvaluation)
    ] == [("fresh", True), ("fresh", False)]


def test_the_check_can_be_loaded_beside_the_report(tmp_path: Path) -> None:
    @dg.asset
    def report() -> None: ...

    defs = dg.Definitions.merge(
        freshness_of(State(tmp_path), WEEK), dg.Definitions(assets=[report])
    )

    assert [sensor.name for sensor in defs.sensors or ()] == ["perf_freshness"]
    dg.Definitions.validate_loadable(defs)
