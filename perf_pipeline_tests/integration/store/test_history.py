"""What was stored is given back: runs, outcomes, verdicts, diffs, series over runs."""

from dataclasses import replace
from pathlib import Path

import pytest

from perf_pipeline.errors import PerfPipelineError
from perf_pipeline.metrics.summary import Summary
from perf_pipeline.metrics.threshold import Status, parse_threshold
from perf_pipeline.store.check_rows import CheckCounts
from perf_pipeline.store.comparison_rows import DiffRow, SeriesPoint
from perf_pipeline.store.history import History
from perf_pipeline.store.lineage import Lineage, store_judged
from perf_pipeline.store.records import RunKey, RunRecord
from perf_pipeline.store.removal import remove_runs
from perf_pipeline.store.series import OverRuns, SeriesName
from perf_pipeline_tests.support.histories.spool import (
    KEY,
    MIXED,
    Spool,
    by_key,
    complete,
    observe,
    sample,
)
from perf_pipeline_tests.support.histories.written import write_summaries


def test_stored_summaries_are_those_that_were_returned(history: History, tmp_path: Path) -> None:
    history.ingest(MIXED.write(tmp_path), "api")
    returned = history.summarise(KEY)
    history.summarise(KEY)  # again: replaces

    stored = history.summaries("r1")

    assert {benchmark for benchmark, _ in stored} == {"api"}
    assert by_key([summary for _, summary in stored]) == by_key(returned)
    assert len(stored) == len(returned)


def test_an_outcome_is_given_back_as_it_was(mixed: History) -> None:
    (outcome,) = mixed.outcomes("r1")

    assert MIXED.outcome is not None
    assert replace(outcome, checks={}) == replace(
        MIXED.outcome, checks={}, began_at="2026-11-01T12:00:05+00:00"
    )
    assert mixed.checks("r1") == [
        CheckCounts("api", "create", "create_user", "id is set", 2, 1),
        CheckCounts("api", "create", "create_user", "status is 201", 3, 1),
    ]


def test_a_run_is_given_back_as_it_was(history: History, tmp_path: Path) -> None:
    run_folder = replace(MIXED, began_at="2026-11-01T14:00:00+02:00").write(tmp_path)
    history.ingest(run_folder, "api")

    run = history.run("r1")

    assert run.began_at == "2026-11-01T12:00:00+00:00"
    assert (run.profile, run.seed, run.trigger) == ("quick", 7, "cli")
    assert run.environment == {"cpu": "two cores"}
    assert run.notices == ("the broker is an emulator",)
    assert history.runs(5) == [run]


def test_what_was_asked_before_is_answered_anew_when_a_run_was_written_or_removed(
    history: History, tmp_path: Path
) -> None:
    assert MIXED.outcome is not None
    history.ingest(MIXED.write(tmp_path / "one"), "api")
    before, (outcome,) = history.run("r1"), history.outcomes("r1")
    assert (before.problems, outcome.wall_s) == ((), MIXED.outcome.wall_s)

    history.register(replace(before, problems=("the user stopped it",)))
    longer = replace(MIXED, outcome=replace(MIXED.outcome, wall_s=99.0))
    assert history.run("r1").problems == ("the user stopped it",)
    history.ingest(longer.write(tmp_path / "again"), "api")

    assert history.run("r1").problems == ()  # as its run.json says
    assert [outcome.wall_s for outcome in history.outcomes("r1")] == [99.0]
    remove_runs(history, ["r1"])
    assert history.outcomes("r1") == []
    with pytest.raises(PerfPipelineError, match="run 'r1' is not in the history"):
        history.run("r1")


def test_an_unknown_run_is_refused_with_the_known_ones(mixed: History) -> None:
    with pytest.raises(PerfPipelineError, match="'r7' is not in the history\n.*are: r1"):
        mixed.run("r7")
    with pytest.raises(PerfPipelineError, match="'api' of run 'r7' is not in the history"):
        observe(mixed, "http_reqs", "count>0", RunKey("r7", "api"))


@pytest.mark.parametrize("typed", ["lat", "last", "lates", "lastest", "LATEST", "newlatest"])
def test_a_misspelt_latest_is_answered_with_the_word(mixed: History, typed: str) -> None:
    with pytest.raises(PerfPipelineError, match="did you mean latest\\? the newest runs are: r1"):
        mixed.run(typed)


def test_verdicts_are_given_back_as_they_were(history: History, tmp_path: Path) -> None:
    history.ingest(MIXED.write(tmp_path), "api")
    slow = parse_threshold(
        "http_req_duration{scenario:read,outcome:ok}",
        "p(99.9)<2",
        severity="warn",
        abort_on_fail=True,
        delay_abort_eval_us=5,
    )
    empty = parse_threshold("db_queries", "count>0")
    verdicts = [slow.judge(2.998), empty.judge(None)]
    history.store_verdicts({KEY: verdicts})
    history.store_verdicts({KEY: verdicts})  # again: replaces

    stored = history.verdicts("r1")

    assert stored == [("api", verdicts[0]), ("api", verdicts[1])]
    assert [verdict.status for _, verdict in stored] == [Status.WARN, Status.NO_DATA]
    history.store_verdicts({KEY: []})
    assert history.verdicts("r1") == []


def test_verdicts_of_several_benchmarks_are_replaced_together(
    history: History, tmp_path: Path
) -> None:
    history.ingest(MIXED.write(tmp_path), "api")
    other = RunKey("r1", "other")
    threshold = parse_threshold("http_reqs", "count>0")
    history.store_verdicts({KEY: [threshold.judge(1.0)], other: [threshold.judge(2.0)]})
    history.store_verdicts({KEY: [threshold.judge(3.0)], other: []})

    assert history.verdicts("r1") == [("api", threshold.judge(3.0))]
    history.store_verdicts({})
    assert history.verdicts("r1") == [("api", threshold.judge(3.0))]


def test_diffs_are_given_back_as_they_were(history: History, tmp_path: Path) -> None:
    history.ingest(MIXED.write(tmp_path), "api")
    row = DiffRow(
        "response_time", "scenario:read", "p95", 4.4, "history", 12, 4.0, 0.1, 0.02, 0.19, 0.07,
        "SUSPECT",
    )  # fmt: skip
    learning = replace(row, baseline_median=None, change_ratio=None, status="LEARNING")
    whence = Lineage("", ("r0",), "", "c0ffee", "0.1.0")
    store_judged(history, "r1", [("api", row, whence), ("api", learning, whence)])

    assert history.diffs("r1") == [("api", row), ("api", learning)]


def _run_of(day: int, *, ms: float = 1.0, valid: bool = True, **other: object) -> Spool:
    spool = Spool(
        run_id=f"r{day}",
        began_at=f"2026-11-{day:02}T12:00:00Z",
        samples=[sample(ms)],
        outcome=complete(valid=valid),
    )
    return replace(spool, **other)  # type: ignore[arg-type]  # fields of Spool by name


def _store(history: History, folder: Path, spool: Spool) -> None:
    """Bring in a run with the only summary that a series is asked for here."""
    history.ingest(spool.write(folder), "api")
    (one,) = spool.samples
    ms = (one.ended_us - one.started_us) / 1_000
    summary = Summary("http_req_duration", {"scenario": "create"}, 1, None, *[ms] * 9)
    write_summaries(history.connection, RunKey(spool.run_id, "api"), [summary])


def _days(history: History, before: str | None, limit: int = 30) -> OverRuns:
    """Read the p95 of the runs that are like r1."""
    (outcome,) = history.outcomes("r1")
    name = SeriesName("api", outcome.load_hash, "http_req_duration", "scenario:create", "p(95)")
    environment = history.run("r1").environment_id
    return history.series(
        [name], profile="quick", environment_id=environment, before=before, limit=limit
    )[name]


def test_a_series_has_only_complete_valid_like_runs_oldest_first(
    history: History, tmp_path: Path
) -> None:
    stopped = replace(complete(), status="stopped")
    spools = [
        _run_of(3, ms=30),
        _run_of(1, ms=10),
        _run_of(2, ms=20),
        _run_of(4, ms=40, valid=False),
        _run_of(5, ms=50, profile="full"),
        _run_of(6, ms=60, environment={"cpu": "eight cores"}),
        _run_of(7, ms=70, outcome=None),
        _run_of(8, ms=80, outcome=stopped),
        _run_of(9, ms=90),
        _run_of(10, ms=100, outcome=replace(complete(), load_hash="twice the rate")),
    ]
    for spool in spools:
        _store(history, tmp_path, spool)

    assert [(point.run_id, point.value) for point in _days(history, "r9").before] == [
        ("r1", 10),
        ("r2", 20),
        ("r3", 30),
    ]
    assert [point.run_id for point in _days(history, "r3").whole] == ["r1", "r2", "r3", "r9"]
    assert [point.run_id for point in _days(history, None).whole] == ["r1", "r2", "r3", "r9"]
    assert _days(history, None).before == ()
    assert [point.run_id for point in _days(history, "r9", limit=2).before] == ["r2", "r3"]
    assert _days(history, "r2").before == (SeriesPoint("r1", "2026-11-01T12:00:00+00:00", 10.0),)
    with pytest.raises(PerfPipelineError, match="'r77' is not in the history"):
        _days(history, "r77")


def test_a_series_with_gaps_in_the_newest_runs_goes_on_in_older_ones(
    history: History, tmp_path: Path
) -> None:
    for day in range(1, 9):
        # Those in the middle did not keep up and say nothing.
        _store(history, tmp_path, _run_of(day, ms=day, valid=day in {1, 2, 8}))

    assert [point.run_id for point in _days(history, "r8", 1).before] == ["r2"]
    assert [point.run_id for point in _days(history, "r8", 2).whole] == ["r2", "r8"]
    assert [point.run_id for point in _days(history, "r3", 3).before] == ["r1", "r2"]
    assert [point.value for point in _days(history, None, 30).whole] == [1, 2, 8]


def test_the_last_run_of_a_benchmark_was_to_do_it_or_did(history: History, tmp_path: Path) -> None:
    confirming = Spool("r9-c1", began_at="2026-11-09T13:00:00Z", trigger="confirm")
    for spool in (_run_of(1), confirming):
        history.ingest(spool.write(tmp_path), "api")
    for day, planned in ((2, ("other",)), (9, ("api", "more"))):
        planning = RunRecord(
            *(f"r{day}", "quick", "{}", "h", 1, "t", "cli", "0", f"2026-11-0{day}T12:00:00Z"),
            planned=planned,
        )
        history.register(planning)

    assert history.last_run_with("api", but="confirm") == "r9"
    assert history.last_run_with("api", but="") == "r9-c1"
    assert history.last_run_with("other", but="confirm") == "r2"
    assert history.last_run_with("third", but="confirm") is None
    history.connection.execute("delete from runs where run_id = 'r9'")
    assert history.last_run_with("api", but="confirm") == "r1"


def test_what_was_pruned_is_left_alone_by_the_next_pruning(
    history: History, tmp_path: Path
) -> None:
    for day in (1, 2):
        history.ingest(_run_of(day).write(tmp_path), "api")
        history.summarise(RunKey(f"r{day}", "api"))
    history.prune(1)
    of_r1 = "from digests where run_id = 'r1'"
    history.connection.execute(f"delete {of_r1}")

    assert history.prune(1) == ["r1"]
    assert history.connection.execute(of_r1).fetchall() == []  # nothing was written anew


def test_pruning_drops_old_samples_and_keeps_summaries(history: History, tmp_path: Path) -> None:
    for day in (1, 2, 3):
        history.ingest(_run_of(day).write(tmp_path), "api")
        history.summarise(RunKey(f"r{day}", "api"))

    assert history.prune(2) == ["r1"]

    assert history.connection.execute("select distinct run_id from samples").fetchall() != []
    assert len(history.summaries("r1")) == len(history.summaries("r3")) > 0
    assert observe(history, "http_reqs", "count>0", RunKey("r2", "api")) == 1
    with pytest.raises(PerfPipelineError, match="samples of run 'r1' were pruned"):
        history.summarise(RunKey("r1", "api"))
    with pytest.raises(PerfPipelineError, match="keep at least 1"):
        history.prune(0)
    history.ingest(tmp_path / "r1", "api")  # the spool brings them back
    assert observe(history, "http_reqs", "count>0", RunKey("r1", "api")) == 1
