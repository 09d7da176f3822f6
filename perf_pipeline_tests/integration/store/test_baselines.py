"""Decisions about baselines, dated changes and lineage are kept as rows, and found again."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from perf_pipeline.store.baselines import (
    BaselineRow,
    ChangePointRow,
    SeriesKey,
    changes,
    confirmations,
    confirmed_runs,
    decide,
    decisions,
    most_like_runs,
    previous_run,
    releases,
    replace_dated,
    store_changes,
)
from perf_pipeline.store.comparison_rows import DiffRow
from perf_pipeline.store.history import History, open_history
from perf_pipeline.store.lineage import Lineage, judged, store_judged
from perf_pipeline.store.migrate import migrations
from perf_pipeline_tests.support.histories.new_history import history_at
from perf_pipeline_tests.support.histories.spool import Spool, complete, sample

P95 = SeriesKey("api", "http_req_duration", "", "p(95)")
MED = replace(P95, statistic="med")
PIN = BaselineRow("2026-11-05T12:00:00+00:00", "pinned", "v1.4", "r2", "", "ada", "released")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a history of three runs: r1, r2, r3."""
    folder = tmp_path_factory.mktemp("baselines")
    with history_at(folder / "history.duckdb") as opened:
        for day in (1, 2, 3):
            _ingest(opened, folder, Spool(f"r{day}", began_at=f"2026-11-{day:02}T12:00:00Z"))
    return folder


@pytest.fixture
def history(made: Path, tmp_path: Path) -> Iterator[History]:
    """Give a copy of that history, and of its spool."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    with history_at(tmp_path / "history.duckdb") as opened:
        yield opened


def _ingest(history: History, folder: Path, spool: Spool) -> None:
    filled = replace(spool, samples=[sample(10)], outcome=complete())
    history.ingest(filled.write(folder), "api")


def test_decisions_are_kept_in_order_with_who_when_and_why(history: History) -> None:
    accepted = replace(PIN, action="accepted", name="", metric="http_reqs", reason="new normal")
    decide(history, PIN)
    decide(history, accepted)

    assert decisions(history) == [PIN, accepted]
    assert releases(history) == [PIN]


def test_the_newest_decision_about_a_name_holds(history: History) -> None:
    moved = replace(PIN, made_at="2026-11-06T12:00:00+00:00", run_id="r3", reason="hotfix")
    decide(history, PIN)
    decide(history, replace(PIN, name="v1.3", run_id="r1"))
    decide(history, moved)

    assert [(row.name, row.run_id) for row in releases(history)] == [("v1.3", "r1"), ("v1.4", "r3")]
    decide(history, replace(moved, action="unpinned", made_at="2026-11-07T12:00:00+00:00"))
    assert [row.name for row in releases(history)] == ["v1.3"]
    assert len(decisions(history)) == 4


def test_confirmed_changes_are_listed_by_series_and_warnings_are_not(history: History) -> None:
    gate = ChangePointRow("r2", P95, "gate", 10.0, 12.0)
    rows = [
        gate,
        ChangePointRow("r3", P95, "accepted", 12.0, 15.0),
        ChangePointRow("r2", MED, "history", 5.0, 6.0, 0.003),
    ]
    store_changes(history, rows)
    store_changes(history, [gate])  # again: replaces

    assert len(changes(history)) == 3
    assert confirmed_runs(history) == {P95: [("r2", "gate"), ("r3", "accepted")]}


def test_a_new_history_pass_replaces_only_its_own_findings(history: History) -> None:
    store_changes(history, [ChangePointRow("r2", P95, "gate", 10.0, 12.0)])
    earlier = ChangePointRow("r2", P95, "history", 10, 12, 0.001)
    elsewhere = ChangePointRow("r3", P95, "history", 11, 13, 0.002)
    other = ChangePointRow("r2", MED, "history", 5, 6, 0.003)
    replace_dated(history, {P95: ["r1", "r2", "r3"], MED: ["r2"]}, [earlier, elsewhere, other])
    sharper = replace(earlier, p_value=0.0001)
    replace_dated(history, {P95: ["r1", "r2"]}, [sharper])
    found = [row for row in changes(history) if row.found_by == "history"]
    replace_dated(history, {P95: ["r1", "r2", "r3"]}, [])

    assert found == [other, sharper, elsewhere]
    assert [row.found_by for row in changes(history)] == ["history", "gate"]


def test_what_a_history_pass_finds_again_keeps_the_moment_when_it_was_found(
    history: History,
) -> None:
    found_at = "select found_at from change_points"
    row = ChangePointRow("r2", P95, "history", 10, 12, 0.001)
    replace_dated(history, {P95: ["r1", "r2"]}, [row])
    first = history.connection.execute(found_at).fetchall()
    replace_dated(history, {P95: ["r1", "r2"]}, [row])

    assert history.connection.execute(found_at).fetchall() == first


def test_the_run_before_is_of_the_same_profile_and_no_rerun(
    history: History, tmp_path: Path
) -> None:
    _ingest(history, tmp_path, Spool("f1", profile="full", began_at="2026-11-02T18:00:00Z"))
    confirm = Spool("r2-c1", began_at="2026-11-02T13:00:00Z", trigger="confirm")
    _ingest(history, tmp_path, confirm)

    before = previous_run(history, "r3")

    assert before is not None
    assert before.run_id == "r2"
    assert previous_run(history, "r1") is None
    assert confirmations(history, "r2") == ["r2-c1"]
    assert confirmations(history, "r3") == []


def test_like_runs_share_profile_environment_and_a_load(history: History, tmp_path: Path) -> None:
    # r1 to r3 are alike; each of the others differs from them in one thing.
    _ingest(history, tmp_path, Spool("f1", profile="full"))
    _ingest(history, tmp_path, Spool("e1", environment={"cpus": "64"}))
    heavier = Spool("l1", samples=[sample(10)], outcome=replace(complete(), load_hash="heavier"))
    history.ingest(heavier.write(tmp_path), "api")

    assert {run: most_like_runs(history, run) for run in ("r1", "r3", "f1", "e1", "l1")} == {
        "r1": 2,
        "r3": 2,
        "f1": 0,
        "e1": 0,
        "l1": 0,
    }


def test_the_re_runs_of_another_run_are_none_of_a_run_whose_id_begins_like_it(
    history: History, tmp_path: Path
) -> None:
    for run_id in ("r2-ci", "r2-ci-c1", "r2-c1", "r2-c1-c2"):
        trigger = "confirm" if run_id[-2:] in {"c1", "c2"} else "schedule"
        _ingest(history, tmp_path, Spool(run_id, began_at="2026-11-02T13:00:00Z", trigger=trigger))

    assert confirmations(history, "r2") == ["r2-c1"]
    assert confirmations(history, "r2-ci") == ["r2-ci-c1"]


def test_a_diff_is_stored_with_its_lineage_and_goes_with_its_benchmark(
    history: History, tmp_path: Path
) -> None:
    diff = DiffRow("http_reqs", "", "rate", 4.4, "history", 2, 4.0, 0.1, None, None, None, "OK")
    lineage = Lineage("", ("r1", "r2"), "2 of the 5 runs", "c0ffee", "0.1.0")
    other = ("queue", diff, lineage)
    more = ("api", replace(diff, statistic="count"), lineage)
    store_judged(history, "r3", [("api", diff, lineage), more, other])
    store_judged(history, "r3", [("api", diff, lineage)])  # again: replaces what is of "api"

    assert judged(history, "r3") == [("api", diff, lineage), other]
    history.ingest(tmp_path / "r3", "api")
    assert judged(history, "r3") == [other]


def test_a_migration_that_came_in_after_a_later_one_is_applied(tmp_path: Path) -> None:
    path = tmp_path / "history.duckdb"
    with history_at(path):
        pass
    with duckdb.connect(path) as connection:
        connection.execute("drop table baselines; drop table change_points; drop table lineage")
        connection.execute("delete from schema_migrations where version = 2")

    with open_history(path, read_only=True) as history:
        assert decisions(history) == []
        applied = history.connection.execute("select version from schema_migrations").fetchall()
    assert {version for (version,) in applied} == {version for version, *_ in migrations()}
