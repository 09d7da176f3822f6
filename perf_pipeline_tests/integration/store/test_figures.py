"""Figures of a real ingested run; every expectation is worked out by hand."""

from dataclasses import replace
from pathlib import Path

import pytest

from perf_pipeline.metrics.catalog import CATALOG
from perf_pipeline.metrics.sample import Figure, Outcome, Reading
from perf_pipeline.metrics.threshold import parse_threshold
from perf_pipeline.metrics.totals import LedgerCounts
from perf_pipeline.store.history import History
from perf_pipeline.store.spool_figures import ledger_counts_from_spool
from perf_pipeline_tests.support.histories.spool import (
    KEY,
    MIXED,
    Spool,
    by_key,
    complete,
    counts,
    ledger,
    observe,
    sample,
)


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
    key: str, expression: str, expected: float, mixed: History
) -> None:
    assert observe(mixed, key, expression) == pytest.approx(expected, rel=1e-12)


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
def test_no_rows_give_no_figure(key: str, expression: str, mixed: History) -> None:
    assert observe(mixed, key, expression) is None


def test_every_metric_can_be_observed_and_summarised_on_an_empty_benchmark(
    history: History, tmp_path: Path
) -> None:
    history.ingest(Spool(outcome=complete(counts(iterations=0))).write(tmp_path), "api")
    statistics = {"counter": "count>0", "gauge": "value>0", "rate": "rate>0", "trend": "p(95)<1"}

    observed = {
        name: observe(history, name, statistics[str(metric.kind)])
        for name, metric in CATALOG.items()
    }

    with_data = {name: value for name, value in observed.items() if value is not None}
    assert with_data == {"iterations": 0, "dropped_iterations": 0, "interrupted_iterations": 0}
    assert {summary.metric for summary in history.summarise(KEY)} == set(with_data)


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

    assert observe(history, "db_queries", "count>0") == 3
    assert observe(history, "db_records", "count>0") == 2000  # a failed statement wrote nothing
    assert observe(history, "db_query_failed", "rate<1") == pytest.approx(1 / 3)
    assert observe(history, "db_query_duration", "med<1") == 4
    assert observe(history, "db_records_per_s{operation:insert}", "value>0") == 166_667
    assert observe(history, "http_reqs", "count>0") is None


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

    assert observe(history, "message_deliveries", "count>0") == 11
    assert observe(history, "message_delivery_failed", "rate<1") == pytest.approx(1 / 3)
    assert observe(history, "message_delivery_duration", "med<1") == 7
    assert observe(history, "messages_consumed", "count>0") == 1
    assert observe(history, "message_processing_duration", "max<1") == 2


def test_no_delivery_at_all_is_a_zero_when_something_was_produced(
    history: History, tmp_path: Path
) -> None:
    failed = sample(5, protocol="kafka", operation="produce", outcome=Outcome.FAILED)
    history.ingest(Spool(samples=[failed], outcome=complete()).write(tmp_path), "api")

    assert observe(history, "message_deliveries", "count>0") == 0


def test_a_gauge_is_its_last_value(history: History, tmp_path: Path) -> None:
    figures = [Figure("produce_rate", rate) for rate in (9.0, 12.0, 11.5)]
    history.ingest(Spool(figures=figures, outcome=complete()).write(tmp_path), "api")

    assert observe(history, "produce_rate", "value>0") == 11.5


def test_a_part_counts_only_when_the_filter_names_it(history: History, tmp_path: Path) -> None:
    lag = [("topic", 30.0), ("topic/0", 10.0), ("topic/1", 20.0)]
    readings = [Reading(1, source, "consumer_lag", value) for source, value in lag]
    readings += [Reading(1, "worker/0", "generator_cpu_percent", 50.0)]
    history.ingest(Spool(readings=readings, outcome=complete()).write(tmp_path), "api")
    summaries = by_key(history.summarise(KEY))

    assert observe(history, "consumer_lag", "min<1") == 30
    assert observe(history, "consumer_lag{source:topic/1}", "max<1") == 20
    assert observe(history, "generator_cpu_percent", "max<1") == 50  # there are only parts
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

    assert observe(history, "message_latency", "min<1") == 100
    assert observe(history, "message_latency", "max<1") == 300
    assert observe(history, "message_latency", "med<1") == 200
    stored = by_key(history.summarise(KEY))["message_latency{}"]
    assert (stored.count, stored.last) == (2, 300)  # b completed after a did


def test_lost_and_duplicated_are_counted_by_message_id(tmp_path: Path) -> None:
    entries = ledger(
        "a:acknowledged@1 a:completed@2 a:completed@3 a:completed@4 "
        "b:acknowledged@1 b:acknowledged@2 b:completed@5 lost:acknowledged@1 "
        "stranger:completed@9 only:intended@1"
    )
    run = Spool(ledger=entries, outcome=complete()).write(tmp_path)

    assert ledger_counts_from_spool(run / "api") == LedgerCounts(
        expected=3, completed=3, lost=1, duplicated=2, unknown=1, repeated=1
    )


def test_summaries_are_overall_by_scenario_and_where_it_differs_by_operation(
    history: History, tmp_path: Path
) -> None:
    extra = sample(7, scenario="read", operation="delete_user", status=404)
    history.ingest(replace(MIXED, samples=[*MIXED.samples, extra]).write(tmp_path), "api")

    found = by_key(history.summarise(KEY))

    reqs = {key: summary.count for key, summary in found.items() if summary.metric == "http_reqs"}
    assert reqs == {
        "http_reqs{}": 7,
        "http_reqs{scenario:create}": 4,  # = operation create_user: not said twice
        "http_reqs{scenario:read}": 3,
        "http_reqs{operation:delete_user}": 1,
        "http_reqs{operation:get_user}": 2,
        "http_reqs{status:200}": 2,
        "http_reqs{status:201}": 3,
        "http_reqs{status:404}": 1,
        "http_reqs{status:503}": 1,
        "http_reqs{error:status}": 1,  # the 503: its class is that the status was not expected
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

    found = by_key(history.summarise(KEY))

    assert found["http_req_duration{scenario:create}"].average == 6
    assert "http_req_duration{operation:create_user}" not in found


def test_filters_of_thresholds_are_summarised_on_request(history: History, tmp_path: Path) -> None:
    history.ingest(MIXED.write(tmp_path), "api")
    wanted = [
        parse_threshold("http_req_duration{status:200}", "med<1"),
        parse_threshold("http_reqs{status:200}", "rate>1"),
        parse_threshold("http_reqs{scenario:read}", "rate>1"),
        parse_threshold("http_req_duration{status:418}", "med<1"),
    ]

    found = history.summarise(KEY, also=wanted)

    indexed = by_key(found)
    assert len(indexed) == len(found)
    assert indexed["http_req_duration{status:200}"].median == 2
    assert indexed["http_reqs{status:200}"].rate == 0.2
    assert "http_req_duration{status:418}" not in indexed


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
    summaries = {summary.metric: summary for summary in history.summarise(KEY) if not summary.tags}

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
