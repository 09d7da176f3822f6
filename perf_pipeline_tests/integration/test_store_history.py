"""A spooled run becomes figures in a real history file; every expectation is worked out by hand."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from perf_pipeline.errors import PerfPipelineError
from perf_pipeline.metrics.catalog import CATALOG
from perf_pipeline.metrics.sample import Figure, Outcome, Phase, Reading
from perf_pipeline.metrics.summary import Summary
from perf_pipeline.metrics.threshold import Status, parse_threshold
from perf_pipeline.store.history import History, open_history
from perf_pipeline.store.records import (
    CheckCounts,
    DiffRow,
    Ingested,
    LedgerCounts,
    RunKey,
    SeriesPoint,
)
from perf_pipeline_tests.unit.store.spool import Spool, complete, counts, ledger, sample

KEY = RunKey("r1", "api")
# create: 10, 20, 30 ms ok and 100 ms failed; read: 1 and 3 ms; 900 ms of warm-up and of drain.
MIXED = Spool(
    samples=[
        sample(900, phase=Phase.WARM_UP),
        sample(10, checks_passed=0b11),
        sample(20, checks_passed=0b01, checks_failed=0b10, started_us=1_500_000),
        sample(30, checks_passed=0b11),
        sample(100, outcome=Outcome.FAILED, status=503, error="status", checks_failed=0b01),
        sample(1, scenario="read", operation="get_user", status=200),
        sample(3, scenario="read", operation="get_user", status=200),
        sample(900, phase=Phase.DRAIN),
    ],
    outcome=complete(
        counts("create", iterations=4, dropped=2),
        counts("read", iterations=2),
        checks={"create_user": ("status is 201", "id is set")},
    ),
)


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    with open_history(tmp_path / "history.duckdb") as opened:
        yield opened


def _observe(history: History, key: str, expression: str, of: RunKey = KEY) -> float | None:
    return history.observe(of, parse_threshold(key, expression))


def _by_key(summaries: list[Summary]) -> dict[str, Summary]:
    return {
        "{}{{{}}}".format(each.metric, ",".join(f"{k}:{v}" for k, v in each.tags.items())): each
        for each in summaries
    }


def test_an_ingest_counts_its_rows(history: History, tmp_path: Path) -> None:
    spool = replace(
        MIXED,
        readings=[Reading(0, "host", "host_cpu_percent", 12.5)],
        ledger=ledger("a:intended@1 a:completed@2"),
    )

    assert history.ingest(spool.write(tmp_path), "api") == Ingested(8, 1, 2, 0)


@pytest.mark.parametrize(
    ("key", "expression", "expected"),
    [
        ("http_reqs", "count>0", 6),  # warm-up and drain don't count
        ("http_reqs", "rate>0", 0.6),  # 6 in 10 measured seconds
        ("http_reqs{scenario:read}", "count>0", 2),
        ("http_reqs{scenario:read}", "rate>0", 0.2),  # 2 in the window from second 1 to 11
        ("http_reqs{status:503}", "count==0", 1),
        ("http_reqs{status:500}", "count==0", 0),  # there were requests, none was a 500
        ("http_req_failed", "rate<1", 1 / 6),
        ("http_req_failed{scenario:create}", "rate<1", 1 / 4),
        ("http_req_duration", "max<1", 100),  # a failed request's time counts
        ("http_req_duration", "min<1", 1),
        ("http_req_duration", "med<1", 15),  # 1 3 10 | 20 30 100
        ("http_req_duration", "avg<1", 164 / 6),
        ("http_req_duration", "p(90)<1", 65),  # rank 4.5 of 0..5: between 30 and 100
        ("http_req_duration{outcome:ok}", "max<1", 30),
        ("user_creation_duration", "med<1", 25),  # 10 20 | 30 100
        ("response_time", "max<1", 520),  # intended 1 s, started 1.5 s, 20 ms of work
        ("schedule_lag", "max<1", 500),
        ("success", "rate>0", 4 / 6),  # one failed, one was ok with a failed check
        ("errors", "rate<1", 2 / 6),
        ("checks", "rate>0", 5 / 7),  # 2+1+2 bits passed, 1+1 failed
        ("checks{check:id is set}", "rate>0", 2 / 3),
        ("checks{check:status is 201}", "rate>0", 3 / 4),
        ("iterations", "count>0", 6),
        ("dropped_iterations", "count==0", 2),
        ("dropped_iterations{scenario:read}", "count==0", 0),  # ran, and dropped none
        ("dropped_iterations{scenario:create}", "rate==0", 0.2),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_threshold_sees_the_exact_figure(
    key: str, expression: str, expected: float, history: History, tmp_path: Path
) -> None:
    history.ingest(MIXED.write(tmp_path), "api")

    assert _observe(history, key, expression) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("key", "expression"),
    [
        ("http_req_duration{scenario:nobody}", "p(95)<1000"),
        ("http_reqs{scenario:nobody}", "count==0"),
        ("http_reqs{scenario:nobody,status:500}", "count==0"),
        ("http_req_failed{status:500}", "rate<0.01"),
        ("db_queries", "count==0"),
        ("db_queries{status:500}", "count==0"),
        ("produce_rate", "value>95"),
        ("host_cpu_percent", "avg<70"),
        ("message_latency", "p(95)<1000"),
        ("dropped_iterations{scenario:nobody}", "count==0"),
    ],
)
def test_no_rows_give_no_figure(
    key: str, expression: str, history: History, tmp_path: Path
) -> None:
    history.ingest(MIXED.write(tmp_path), "api")

    assert _observe(history, key, expression) is None


def test_every_metric_can_be_observed_and_summarised_on_an_empty_benchmark(
    history: History, tmp_path: Path
) -> None:
    history.ingest(Spool(outcome=complete(counts(iterations=0))).write(tmp_path), "api")
    statistics = {"counter": "count>0", "gauge": "value>0", "rate": "rate>0", "trend": "p(95)<1"}

    observed = {
        name: _observe(history, name, statistics[str(metric.kind)])
        for name, metric in CATALOG.items()
    }

    with_data = {name: value for name, value in observed.items() if value is not None}
    assert with_data == {"iterations": 0, "dropped_iterations": 0, "interrupted_iterations": 0}
    assert {each.metric for each in history.summarise(KEY)} == set(with_data)


def test_database_metrics_come_from_postgres_samples(history: History, tmp_path: Path) -> None:
    spool = Spool(
        samples=[
            sample(4, protocol="postgres", operation="insert", records=1000),
            sample(8, protocol="postgres", operation="insert", records=1000),
            sample(2, protocol="postgres", operation="insert", records=7, outcome=Outcome.TIMEOUT),
        ],
        figures=[Figure("db_records_per_s", 166_667.0, "create", "insert")],
        outcome=complete(),
    )
    history.ingest(spool.write(tmp_path), "api")

    assert _observe(history, "db_queries", "count>0") == 3
    assert _observe(history, "db_records", "count>0") == 2000  # a failed statement wrote nothing
    assert _observe(history, "db_query_failed", "rate<1") == pytest.approx(1 / 3)
    assert _observe(history, "db_query_duration", "med<1") == 4
    assert _observe(history, "db_records_per_s{operation:insert}", "value>0") == 166_667
    assert _observe(history, "http_reqs", "count>0") is None


def test_queue_metrics_tell_produced_from_consumed(history: History, tmp_path: Path) -> None:
    spool = Spool(
        samples=[
            sample(5, protocol="kafka", operation="produce"),
            sample(9, protocol="kafka", operation="transaction", records=10),
            sample(7, protocol="kafka", operation="produce", outcome=Outcome.FAILED),
            sample(2, protocol="kafka", operation="consume", records=1),
        ],
        outcome=complete(),
    )
    history.ingest(spool.write(tmp_path), "api")

    assert _observe(history, "message_deliveries", "count>0") == 11
    assert _observe(history, "message_delivery_failed", "rate<1") == pytest.approx(1 / 3)
    assert _observe(history, "message_delivery_duration", "med<1") == 7
    assert _observe(history, "messages_consumed", "count>0") == 1
    assert _observe(history, "message_processing_duration", "max<1") == 2


def test_no_delivery_at_all_is_a_zero_when_something_was_produced(
    history: History, tmp_path: Path
) -> None:
    failed = sample(5, protocol="kafka", operation="produce", outcome=Outcome.FAILED)
    history.ingest(Spool(samples=[failed], outcome=complete()).write(tmp_path), "api")

    assert _observe(history, "message_deliveries", "count>0") == 0


def test_a_gauge_is_its_last_value(history: History, tmp_path: Path) -> None:
    figures = [Figure("produce_rate", each) for each in (9.0, 12.0, 11.5)]
    history.ingest(Spool(figures=figures, outcome=complete()).write(tmp_path), "api")

    assert _observe(history, "produce_rate", "value>0") == 11.5


def test_a_part_counts_only_when_the_filter_names_it(history: History, tmp_path: Path) -> None:
    lag = [("topic", 30.0), ("topic/0", 10.0), ("topic/1", 20.0)]
    readings = [Reading(1, source, "consumer_lag", value) for source, value in lag]
    readings += [Reading(1, "worker/0", "generator_cpu_percent", 50.0)]
    history.ingest(Spool(readings=readings, outcome=complete()).write(tmp_path), "api")
    summaries = _by_key(history.summarise(KEY))

    assert _observe(history, "consumer_lag", "min<1") == 30
    assert _observe(history, "consumer_lag{source:topic/1}", "max<1") == 20
    assert _observe(history, "generator_cpu_percent", "max<1") == 50  # there are only parts
    assert summaries["consumer_lag{}"].median == 30
    assert summaries["consumer_lag{source:topic/0}"].maximum == 10


def test_message_latency_runs_from_intended_to_first_completed(
    history: History, tmp_path: Path
) -> None:
    entries = ledger(
        "warm:intended@500 warm:completed@9000 "  # before the measured window (1 s to 11 s)
        "a:intended@2000 a:acknowledged@2010 a:completed@2100 a:completed@2900 "
        "b:intended@3000 b:completed@3300 "
        "lost:intended@4000 lost:acknowledged@4010"
    )
    history.ingest(Spool(ledger=entries, outcome=complete()).write(tmp_path), "api")

    assert _observe(history, "message_latency", "min<1") == 100
    assert _observe(history, "message_latency", "max<1") == 300
    assert _observe(history, "message_latency", "med<1") == 200


def test_lost_and_duplicated_are_counted_by_message_id(history: History, tmp_path: Path) -> None:
    entries = ledger(
        "a:acknowledged@1 a:completed@2 a:completed@3 a:completed@4 "
        "b:acknowledged@1 b:acknowledged@2 b:completed@5 lost:acknowledged@1 "
        "stranger:completed@9 only:intended@1"
    )
    history.ingest(Spool(ledger=entries, outcome=complete()).write(tmp_path), "api")

    assert history.lost_and_duplicated(KEY) == LedgerCounts(
        expected=3, completed=3, lost=1, duplicated=2, unknown=1
    )


def test_summaries_are_overall_by_scenario_and_where_it_differs_by_operation(
    history: History, tmp_path: Path
) -> None:
    extra = sample(7, scenario="read", operation="delete_user", status=404)
    history.ingest(replace(MIXED, samples=[*MIXED.samples, extra]).write(tmp_path), "api")

    found = _by_key(history.summarise(KEY))

    reqs = {key: each.count for key, each in found.items() if each.metric == "http_reqs"}
    assert reqs == {
        "http_reqs{}": 7,
        "http_reqs{scenario:create}": 4,  # = operation create_user: not said twice
        "http_reqs{scenario:read}": 3,
        "http_reqs{operation:delete_user}": 1,
        "http_reqs{operation:get_user}": 2,
    }
    assert found["http_reqs{scenario:read}"].rate == pytest.approx(0.3)
    read = found["http_req_duration{scenario:read}"]
    assert (read.count, read.minimum, read.median, read.maximum) == (3, 1, 3, 7)
    assert found["http_req_failed{}"].rate == pytest.approx(1 / 7)
    assert found["dropped_iterations{scenario:create}"].count == 2
    assert found["checks{}"].count == 7


def test_a_single_scenario_is_also_summarised_under_its_name(
    history: History, tmp_path: Path
) -> None:
    spool = Spool(samples=[sample(5), sample(7)], outcome=complete())
    history.ingest(spool.write(tmp_path), "api")

    found = _by_key(history.summarise(KEY))

    assert found["http_req_duration{scenario:create}"].average == 6
    assert "http_req_duration{operation:create_user}" not in found


def test_filters_of_thresholds_are_summarised_on_request(history: History, tmp_path: Path) -> None:
    history.ingest(MIXED.write(tmp_path), "api")
    wanted = [
        ("http_req_duration", {"status": "200"}),
        ("http_reqs", {"status": "200"}),
        ("http_reqs", {"scenario": "read"}),
        ("http_req_duration", {"status": "418"}),
    ]

    found = history.summarise(KEY, also=wanted)

    by_key = _by_key(found)
    assert len(by_key) == len(found)
    assert by_key["http_req_duration{status:200}"].median == 2
    assert by_key["http_reqs{status:200}"].rate == 0.2
    assert "http_req_duration{status:418}" not in by_key


def test_stored_summaries_are_those_that_were_returned(history: History, tmp_path: Path) -> None:
    history.ingest(MIXED.write(tmp_path), "api")
    returned = history.summarise(KEY)
    history.summarise(KEY)  # again: replaces

    stored = history.summaries("r1")

    assert {benchmark for benchmark, _ in stored} == {"api"}
    assert _by_key([each for _, each in stored]) == _by_key(returned)
    assert len(stored) == len(returned)


def test_the_view_gives_the_values_that_summaries_are_made_of(
    history: History, tmp_path: Path
) -> None:
    spool = replace(
        MIXED,
        readings=[Reading(1, "host", "host_cpu_percent", 25.0)],
        figures=[Figure("headroom_ratio", 1.5)],
        ledger=ledger("a:intended@2000 a:completed@2100"),
    )
    history.ingest(spool.write(tmp_path), "api")
    summaries = {each.metric: each for each in history.summarise(KEY) if not each.tags}

    rows = history.connection.execute(
        "select metric, sum(value * weight), sum(weight), max(value) from metric_values "
        "where run_id = 'r1' group by metric"
    ).fetchall()

    assert {metric for metric, *_ in rows} == set(summaries)
    for metric, total, weight, maximum in rows:
        summary = summaries[metric]
        kind = str(CATALOG[metric].kind)
        expected = {
            "counter": (total, summary.count),
            "rate": (total / weight, summary.rate),
            "trend": (maximum, summary.maximum),
            "gauge": (maximum, summary.last),
        }[kind]
        assert expected[0] == pytest.approx(expected[1]), metric


def test_a_second_ingest_replaces_the_first(history: History, tmp_path: Path) -> None:
    run = MIXED.write(tmp_path)
    history.ingest(run, "api")
    history.summarise(KEY)
    again = history.ingest(replace(MIXED, samples=MIXED.samples[:2]).write(tmp_path), "api")

    assert again.samples == 2
    assert _observe(history, "http_reqs", "count>0") == 1
    assert history.summaries("r1") == []  # they were of the replaced samples
    assert [each.run_id for each in history.runs()] == ["r1"]


def test_another_benchmark_of_the_same_run_is_left_alone(history: History, tmp_path: Path) -> None:
    history.ingest(MIXED.write(tmp_path), "api")
    other = replace(MIXED, benchmark="database", outcome=complete(benchmark="database"))
    history.ingest(other.write(tmp_path), "database")

    assert _observe(history, "http_reqs", "count>0") == 6
    assert [each.benchmark for each in history.outcomes("r1")] == ["api", "database"]


def test_a_failed_ingest_leaves_the_former_one(history: History, tmp_path: Path) -> None:
    run = MIXED.write(tmp_path)
    history.ingest(run, "api")
    (run / "api" / "samples-2-0.csv").write_text("when,what\n1,2\n")

    with pytest.raises(PerfPipelineError, match="has the columns 'when,what'; this version reads"):
        history.ingest(run, "api")
    assert _observe(history, "http_reqs", "count>0") == 6


@pytest.mark.parametrize(
    ("tail", "torn", "kept"),
    [
        ("create,http,1,0,create_user,measu", 1, 8),
        # whole by its shape, but the last number may be the first digit of a longer one
        ("create,http,1,0,create_user,measured,1000000,1000000,1001000,ok,201,,0,0,1,0,1", 1, 8),
        ("create,http,1,0,create_user,measured,1000000,1000000,1001000,ok,201,,0,0,1,0,1\n", 0, 9),
        ("create,http,1,0,cre\x00\x00\x00\x00\n", 1, 8),
        ("", 0, 8),
    ],
    ids=["short", "whole but for its line end", "whole", "zeros", "nothing"],
)
def test_a_torn_last_line_is_counted_and_left_out(
    tail: str, torn: int, kept: int, history: History, tmp_path: Path
) -> None:
    run = MIXED.write(tmp_path)
    path = run / "api" / "samples-1-0.csv"
    whole = path.read_text(encoding="utf-8") + tail
    path.write_text(whole, encoding="utf-8")

    ingested = history.ingest(run, "api")

    assert (ingested.samples, ingested.torn_lines) == (kept, torn)
    assert path.read_text(encoding="utf-8") == whole  # the spool is evidence and stays


def test_a_worker_that_died_before_its_header_is_no_obstacle(
    history: History, tmp_path: Path
) -> None:
    run = MIXED.write(tmp_path)
    (run / "api" / "samples-1-1.csv").write_text("")
    (run / "api" / "samples-1-2.csv").write_text("scenario,proto")

    assert history.ingest(run, "api") == Ingested(8, 0, 0, 1)


def test_quotes_commas_and_line_ends_of_the_csv_module_are_read(
    history: History, tmp_path: Path
) -> None:
    odd = 'a "quoted", odd name'
    run = replace(MIXED, samples=[]).write(tmp_path)
    path = run / "api" / "samples-1-0.csv"
    header = path.read_text(encoding="utf-8").strip()
    row = '"a ""quoted"", odd name",http,1,0,x,measured,0,0,1000,ok,200,,0,0,1,0,0'
    path.write_bytes(f"{header}\r\n{row}\r\n".encode())

    assert history.ingest(run, "api").samples == 1
    assert _by_key(history.summarise(KEY))[f"http_reqs{{scenario:{odd}}}"].count == 1


def test_a_benchmark_that_was_cut_off_is_stored_as_aborted(
    history: History, tmp_path: Path
) -> None:
    samples = [
        sample(10, phase=Phase.WARM_UP, intended_us=0, started_us=0),
        sample(10, iteration=1, checks_passed=1),
        sample(20, iteration=1),
        sample(30, vu=2, intended_us=2_000_000, started_us=2_970_000),
    ]
    history.ingest(Spool(samples=samples).write(tmp_path), "api")

    (outcome,) = history.outcomes("r1")

    assert (outcome.status, outcome.valid) == ("aborted", False)
    assert outcome.invalid_reasons == ("it was cut off",)
    assert outcome.measured_s == 2.0  # intended at 1 s, the last one ended at 3 s
    assert outcome.checks == {"create_user": ("check 0",)}
    assert _observe(history, "http_reqs", "rate>0") == 1.5
    assert _observe(history, "iterations", "count>0") == 2  # VU 1's second, VU 2's first
    assert _observe(history, "dropped_iterations", "count==0") is None  # nobody counted


def test_an_outcome_is_given_back_as_it_was(history: History, tmp_path: Path) -> None:
    history.ingest(MIXED.write(tmp_path), "api")

    (outcome,) = history.outcomes("r1")

    assert MIXED.outcome is not None
    assert replace(outcome, checks={}) == replace(
        MIXED.outcome, checks={}, began_at="2026-11-01T12:00:05+00:00"
    )
    assert history.checks("r1") == [
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
    assert history.runs(5) == [run]


def test_an_unknown_run_is_refused_with_the_known_ones(history: History, tmp_path: Path) -> None:
    history.ingest(MIXED.write(tmp_path), "api")

    with pytest.raises(PerfPipelineError, match="'r7' is not in the history\n.*are: r1"):
        history.run("r7")
    with pytest.raises(PerfPipelineError, match="'api' of run 'r7' is not in the history"):
        _observe(history, "http_reqs", "count>0", RunKey("r7", "api"))


def test_a_benchmark_that_is_not_in_the_spool_is_refused(history: History, tmp_path: Path) -> None:
    run = MIXED.write(tmp_path)

    with pytest.raises(PerfPipelineError, match="nothing to ingest\n.*of this run: api"):
        history.ingest(run, "apo")


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
    history.store_verdicts(KEY, verdicts)
    history.store_verdicts(KEY, verdicts)  # again: replaces

    stored = history.verdicts("r1")

    assert stored == [("api", verdicts[0]), ("api", verdicts[1])]
    assert [verdict.status for _, verdict in stored] == [Status.WARN, Status.NO_DATA]
    history.store_verdicts(KEY, [])
    assert history.verdicts("r1") == []


def test_diffs_are_given_back_as_they_were(history: History, tmp_path: Path) -> None:
    history.ingest(MIXED.write(tmp_path), "api")
    row = DiffRow(
        "response_time", "scenario:read", "p95", 4.4, "history", 12, 4.0, 0.1, 0.02, 0.19, 0.07,
        "SUSPECT",
    )  # fmt: skip
    learning = replace(row, baseline_median=None, change_ratio=None, status="LEARNING")
    history.store_diffs(KEY, [row, learning])

    assert history.diffs("r1") == [("api", row), ("api", learning)]


def _run_of(day: int, *, ms: float = 1.0, valid: bool = True, **other: object) -> Spool:
    spool = Spool(
        run_id=f"r{day}",
        began_at=f"2026-11-{day:02}T12:00:00Z",
        samples=[sample(ms)],
        outcome=complete(valid=valid),
    )
    return replace(spool, **other)  # type: ignore[arg-type]  # fields of Spool by name


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
    ]
    for spool in spools:
        history.ingest(spool.write(tmp_path), "api")
        history.summarise(RunKey(spool.run_id, "api"))
    environment_id = history.run("r1").environment_id

    def days(before: str | None, limit: int = 30) -> list[SeriesPoint]:
        return history.series(
            "api",
            "http_req_duration",
            {"scenario": "create"},
            "p95",
            profile="quick",
            environment_id=environment_id,
            before=before,
            limit=limit,
        )

    assert [(each.run_id, each.value) for each in days("r9")] == [
        ("r1", 10),
        ("r2", 20),
        ("r3", 30),
    ]
    assert [each.run_id for each in days(None)] == ["r1", "r2", "r3", "r9"]
    assert [each.run_id for each in days("r9", limit=2)] == ["r2", "r3"]
    assert days("r2")[0] == SeriesPoint("r1", "2026-11-01T12:00:00+00:00", 10.0, valid=True)
    with pytest.raises(PerfPipelineError, match="'r77' is not in the history"):
        days("r77")


def test_pruning_drops_old_samples_and_keeps_summaries(history: History, tmp_path: Path) -> None:
    for day in (1, 2, 3):
        history.ingest(_run_of(day).write(tmp_path), "api")
        history.summarise(RunKey(f"r{day}", "api"))

    assert history.prune(2) == ["r1"]

    assert history.connection.execute("select distinct run_id from samples").fetchall() != []
    assert len(history.summaries("r1")) == len(history.summaries("r3")) > 0
    assert _observe(history, "http_reqs", "count>0", RunKey("r2", "api")) == 1
    with pytest.raises(PerfPipelineError, match="samples of run 'r1' were pruned"):
        history.summarise(RunKey("r1", "api"))
    with pytest.raises(PerfPipelineError, match="keep at least 1"):
        history.prune(0)
    history.ingest(tmp_path / "r1", "api")  # the spool brings them back
    assert _observe(history, "http_reqs", "count>0", RunKey("r1", "api")) == 1
