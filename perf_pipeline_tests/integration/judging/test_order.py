"""The last run is the one that was made last, whatever its date says, and a set clock is told."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from perf_pipeline.errors import ExitCode
from perf_pipeline.judging.asked import run_to_judge
from perf_pipeline.judging.judge import recover_run
from perf_pipeline.judging.notices import clock_notices
from perf_pipeline.judging.publish import publish
from perf_pipeline.metrics.threshold import Status
from perf_pipeline.store.baselines import BaselineRow, decide, previous_run, releases
from perf_pipeline.store.history import History, open_history
from perf_pipeline.store.migrate import migrations
from perf_pipeline.store.series import SeriesName
from perf_pipeline.store.state import State
from perf_pipeline_tests.support.histories.half_runs import A, HalfRun

NOW = datetime.now(UTC)
FUTURE = NOW + timedelta(days=30)
HOUR = timedelta(hours=1)


def begin(history: History, state: Path, *dated: datetime) -> None:
    """Let runs begin one after the other, r1, r2 …, by a clock that says this."""
    for number, moment in enumerate(dated, 1):
        history.register(HalfRun(state, f"r{number}", began_at=moment).record, begins_now=True)


def newest_first(history: History) -> list[str]:
    return [run.run_id for run in history.runs()]


def test_a_report_is_about_the_run_just_made_and_says_that_a_clock_was_set(tmp_path: Path) -> None:
    HalfRun(tmp_path, "r1", (A,), FUTURE).begin().measure(A)
    recover_run(State(tmp_path), "r1")
    HalfRun(tmp_path, "r2", (A,), NOW).begin().measure(A, status=None)
    recover_run(State(tmp_path), "r2")

    report = publish(State(tmp_path), run_to_judge(State(tmp_path)))

    assert (report.run_id, report.exit_code) == ("r2", ExitCode.NOT_MEASURED)
    [told] = [notice for notice in report.notices if "somebody changed a clock" in notice]
    assert told.startswith("this run is dated before the end of run r1 (")
    assert run_to_judge(State(tmp_path), "r1") == "r1"
    assert run_to_judge(State(tmp_path), "unknown") == "r2"


def test_the_run_of_the_future_says_so_itself(tmp_path: Path) -> None:
    with open_history(State(tmp_path).history_file) as history:
        begin(history, tmp_path, FUTURE, NOW)

        [told] = clock_notices(history, "r1")

    assert told.startswith("run r2 was made after this run and is dated before it (")


@pytest.mark.parametrize(
    "dated",
    [
        (NOW, NOW),  # in one second, and even in one microsecond
        (NOW - HOUR, NOW),
        # Clocks were set back at 03:00 on 25 October 2026 in Berlin: 02:50+02:00, then 02:10+01:00.
        (
            datetime.fromisoformat("2026-10-25T02:50:00+02:00"),
            datetime.fromisoformat("2026-10-25T02:10:00+01:00"),
        ),
    ],
    ids=["equal", "an hour apart", "over the end of summer time"],
)
def test_a_clock_that_was_right_is_not_talked_about(
    tmp_path: Path, dated: Sequence[datetime]
) -> None:
    with open_history(State(tmp_path).history_file) as history:
        begin(history, tmp_path, *dated)

        assert newest_first(history) == ["r2", "r1"]
        assert clock_notices(history, "r1") == clock_notices(history, "r2") == []


def test_storing_a_run_again_does_not_make_it_the_last_one(tmp_path: Path) -> None:
    for run_id in ("r1", "r2"):
        HalfRun(tmp_path, run_id, (A,), NOW).begin().measure(A)

    for run_id in ("r2", "r1"):
        recover_run(State(tmp_path), run_id)

    assert run_to_judge(State(tmp_path)) == "r2"


def test_a_run_that_is_only_found_is_placed_by_its_date_among_dates_that_can_be_true(
    tmp_path: Path,
) -> None:
    with open_history(State(tmp_path).history_file) as history:
        begin(history, tmp_path, NOW - 3 * HOUR, NOW - HOUR, FUTURE)
        for run_id, began_at in (("between", NOW - 2 * HOUR), ("new", NOW)):
            history.register(HalfRun(tmp_path, run_id, began_at=began_at).record)

        assert newest_first(history) == ["new", "r3", "r2", "between", "r1"]


def test_the_run_before_is_the_measured_one_that_was_made_before(tmp_path: Path) -> None:
    for run_id, moment in (("r1", FUTURE), ("r2", NOW), ("r3", NOW - HOUR)):
        run = HalfRun(tmp_path, run_id, (A,), moment).begin()
        if run_id != "r2":
            run.measure(A)
            recover_run(State(tmp_path), run_id)

    with open_history(State(tmp_path).history_file) as history:
        before = previous_run(history, "r3")
        first = previous_run(history, "r1")
        name = SeriesName(A, history.outcomes("r3")[0].load_hash, "http_req_duration", "", "p(95)")
        points = history.series(
            [name],
            profile="quick",
            environment_id=history.run("r3").environment_id,
            before="r3",
        )[name]

    assert before is not None
    assert before.run_id == "r1"
    assert first is None
    assert [run.run_id for run in points.before] == ["r1"]


def test_a_killed_run_pushes_no_samples_out_of_the_history(tmp_path: Path) -> None:
    for run_id in ("r1", "r2"):
        HalfRun(tmp_path, run_id, (A,), NOW).begin().measure(A)
        recover_run(State(tmp_path), run_id)
    for run_id in ("r3", "r4", "r5"):
        HalfRun(tmp_path, run_id, (A,), NOW).begin()

    with open_history(State(tmp_path).history_file) as history:
        assert history.prune(2) == []
        assert history.prune(1) == ["r1"]


def test_the_last_decision_about_a_release_holds_whatever_its_date(tmp_path: Path) -> None:
    with open_history(State(tmp_path).history_file) as history:
        begin(history, tmp_path, NOW)
        about = ("v1", "r1", "", "ada", "why")
        decide(history, BaselineRow(FUTURE.isoformat(), "pinned", *about))
        decide(history, BaselineRow(NOW.isoformat(), "unpinned", *about))

        assert releases(history) == []


def test_runs_of_an_older_history_are_in_the_order_of_their_dates_and_have_no_plan(
    tmp_path: Path,
) -> None:
    [(version, _, sql)] = [
        migration for migration in migrations() if "what_a_run_was_to_do" in migration[1]
    ]
    for run_id, hours in (("r1", 2), ("r2", 1)):
        HalfRun(tmp_path, run_id, None, NOW - hours * HOUR).begin().measure(A)
        recover_run(State(tmp_path), run_id)
    with duckdb.connect(State(tmp_path).history_file) as connection:
        for column in ("planned", "problems", "made_as"):
            assert f"add column {column} " in sql
            connection.execute(f"alter table runs drop column {column}")
        connection.execute("delete from schema_migrations where version = ?", [version])

    report = publish(State(tmp_path), run_to_judge(State(tmp_path)))

    assert (report.run_id, report.exit_code) == ("r2", ExitCode.OK)
    assert {
        verdict.status for benchmark in report.benchmarks for verdict in benchmark.verdicts
    } == {Status.PASS}
    with open_history(State(tmp_path).history_file) as history:
        assert newest_first(history) == ["r2", "r1"]
        assert history.run("r1").planned is None
