"""Figures of a benchmark, with every expected value worked out by hand."""

import pytest

from perf_pipeline.config.loading import load_profile
from perf_pipeline.loading.figures import evidence_of, figures_of
from perf_pipeline.metrics.totals import Backlog, LedgerCounts, SpanFigures, StageFigures
from perf_pipeline.store.records import ScenarioCounts

SECOND = 1_000_000
NO_BACKLOG = Backlog(0, 0, None)


def span(scenario: str, *, operation: str = "produce", **given: int) -> SpanFigures:
    fields = {
        "count": given.get("count", 0),
        "failed": given.get("failed", 0),
        "records": given.get("records", 0),
        "first_started_us": given.get("first_started_us", 0),
        "last_ended_us": given.get("last_ended_us", 0),
        "busy_us": given.get("busy_us", 0),
    }
    return SpanFigures(scenario, operation, "kafka", **fields)


def counts(scenario: str, from_s: float, until_s: float, *, dropped: int = 0) -> ScenarioCounts:
    return ScenarioCounts(scenario, 0, dropped, 0, 0, int(from_s * SECOND), int(until_s * SECOND))


def figures(
    benchmark: str,
    spans: list[SpanFigures],
    windows: list[ScenarioCounts],
    ledger: LedgerCounts | None = None,
    backlog: Backlog = NO_BACKLOG,
) -> dict[tuple[str, str], float]:
    config = load_profile("full").benchmarks[benchmark]
    evidence = evidence_of(config, windows, spans, ledger, backlog, StageFigures())
    return {
        (figure.name, figure.scenario): figure.value for figure in figures_of(benchmark, evidence)
    }


def test_a_rate_that_was_kept_is_the_planned_rate_whatever_the_fence_posts() -> None:
    """12/s for 60 s: 720 periods, and a 721st start that k6's rounding lets in at the end."""
    name = "idempotent_12"
    found = figures(
        "queue_produce",
        [span(name, count=721, records=721, last_ended_us=62 * SECOND)],
        [counts(name, 2, 62)],
    )

    assert found[("produce_rate", name)] == pytest.approx(12)
    assert found[("produce_rate_ratio", name)] == pytest.approx(1)


def test_dropped_and_failed_messages_lower_the_rate() -> None:
    """1,000/s for 30 s planned 30,000: 27,000 delivered, 1,500 failed, 1,500 dropped: 90 %."""
    name = "idempotent_1000"
    found = figures(
        "queue_produce",
        [span(name, count=28_500, failed=1_500, records=27_000, last_ended_us=32 * SECOND)],
        [counts(name, 2, 32, dropped=1_500)],
    )

    assert found[("produce_rate_ratio", name)] == pytest.approx(0.9)


def test_what_is_confirmed_late_is_not_kept_up() -> None:
    """All 3,000 of 100/s for 30 s, but the last report came 10 s late: 3,000 in 40 s = 75/s."""
    name = "idempotent_100"
    found = figures(
        "queue_produce",
        [span(name, count=3_000, records=3_000, last_ended_us=42 * SECOND)],
        [counts(name, 2, 32)],
    )

    assert found[("produce_rate", name)] == pytest.approx(75)


def test_a_transaction_counts_all_its_messages() -> None:
    """10 transactions/s of 10 messages for 60 s, 30 of the 600 aborted: 95 of 100 messages/s."""
    name = "transactional_100"
    found = figures(
        "queue_produce",
        [span(name, count=600, failed=30, records=5_700, last_ended_us=62 * SECOND)],
        [counts(name, 2, 62)],
    )

    assert found[("produce_rate", name)] == pytest.approx(95)


def test_the_ceiling_has_a_rate_and_no_target() -> None:
    found = figures(
        "queue_produce",
        [span("ceiling", count=500, records=500_000, last_ended_us=22 * SECOND)],
        [counts("ceiling", 2, 22)],
    )

    assert found == {("produce_rate", "ceiling"): pytest.approx(25_000)}


def test_a_scenario_that_delivered_nothing_has_no_rate_and_so_no_verdict_but_no_data() -> None:
    found = figures(
        "queue_produce",
        [span("ceiling", count=5, failed=5, last_ended_us=22 * SECOND)],
        [counts("ceiling", 2, 22)],
    )

    assert found == {}


def test_a_backlog_is_drained_when_its_last_message_is_done() -> None:
    """First message taken at 1 s, last of the backlog done at 9.5 s: drained in 8.5 s."""
    consumed = span(
        "consume",
        operation="consume",
        count=8_000,
        records=8_000,
        first_started_us=SECOND,
        last_ended_us=11 * SECOND,
        busy_us=40 * SECOND,
    )
    found = figures(
        "queue_consume",
        [consumed],
        [counts("consume", 0, 12)],
        LedgerCounts(expected=8_000, completed=8_000, lost=0, duplicated=2, unknown=0),
        Backlog(messages=7_000, left=0, done_us=int(9.5 * SECOND)),
    )

    assert found[("backlog_messages", "consume")] == 7_000
    assert found[("backlog_drain_s", "consume")] == pytest.approx(8.5)
    assert found[("consume_rate", "consume")] == pytest.approx(800)  # 8,000 in 10 s
    # 40 s of work by 20 VUs in 10 s
    assert found[("consumer_utilisation_ratio", "consume")] == pytest.approx(0.2)
    assert found[("messages_lost", "")] == 0
    assert found[("messages_duplicated", "")] == 2


def test_a_backlog_consumed_without_work_has_a_rate_and_no_utilisation() -> None:
    """900,000 messages from 1 s to 1.6 s, then nothing was left: 1,500,000/s."""
    drained = span(
        "ceiling",
        operation="consume_batch",
        count=900,
        records=900_000,
        first_started_us=SECOND,
        last_ended_us=int(1.6 * SECOND),
        busy_us=SECOND,
    )
    found = figures("queue_consume", [drained], [counts("ceiling", 0, 2)])

    assert found == {("consume_rate", "ceiling"): pytest.approx(1_500_000)}


def test_a_backlog_that_was_not_there_has_no_rate() -> None:
    nothing = span("ceiling", operation="consume_batch", count=1, failed=1, last_ended_us=SECOND)

    assert figures("queue_consume", [nothing], [counts("ceiling", 0, 2)]) == {}


def test_a_backlog_that_was_not_drained_has_no_drain_time() -> None:
    consumed = span("consume", operation="consume", count=1, records=1, last_ended_us=SECOND)
    found = figures(
        "queue_consume",
        [consumed],
        [counts("consume", 0, 12)],
        None,
        Backlog(messages=10, left=9, done_us=SECOND),
    )

    assert ("backlog_drain_s", "consume") not in found
    assert ("messages_lost", "") not in found


def test_the_day_stands_for_its_sustained_rate_and_its_best_rate_is_the_headroom() -> None:
    """Sustained 12/s without a failure = 1,036,800 a day; peak 120/s = 10.368 times a million."""
    ok = LedgerCounts(expected=3_601, completed=3_601, lost=0, duplicated=0, unknown=0)
    spans = [
        span("sustained", count=3_601, records=3_601, last_ended_us=360 * SECOND),
        span("peak", count=14_400, records=14_400, last_ended_us=480 * SECOND),
    ]
    windows = [counts("sustained", 60, 360), counts("peak", 360, 480)]
    found = figures("day_simulation", spans, windows, ok)

    assert found[("messages_per_day", "")] == pytest.approx(1_036_800)
    assert found[("headroom_ratio", "")] == pytest.approx(10.368)


def test_a_rate_with_dropped_starts_or_many_failures_is_no_headroom() -> None:
    """The peak dropped one start and so did not hold; 12/s remains: 1.0368 times a million."""
    spans = [
        span("sustained", count=3_600, records=3_600, last_ended_us=360 * SECOND),
        span("peak", count=14_399, records=14_399, last_ended_us=480 * SECOND),
    ]
    windows = [counts("sustained", 60, 360), counts("peak", 360, 480, dropped=1)]
    ok = LedgerCounts(expected=17_999, completed=17_999, lost=0, duplicated=0, unknown=0)
    found = figures("day_simulation", spans, windows, ok)

    assert found[("headroom_ratio", "")] == pytest.approx(1.0368)


def test_lost_messages_leave_no_headroom() -> None:
    lost = LedgerCounts(expected=3_600, completed=3_599, lost=1, duplicated=0, unknown=0)
    spans = [span("sustained", count=3_600, records=3_600, last_ended_us=360 * SECOND)]
    found = figures("day_simulation", spans, [counts("sustained", 60, 360)], lost)

    assert ("headroom_ratio", "") not in found
    assert found[("messages_lost", "")] == 1


def test_where_losses_are_unknown_no_headroom_was_shown() -> None:
    """A day that was stopped in its drain may have lost 5,400 of its messages."""
    peak = span("peak", count=14_400, records=14_400, last_ended_us=480 * SECOND)
    found = figures("day_simulation", [peak], [counts("peak", 360, 480)], None)

    assert ("produce_rate", "peak") in found
    assert ("headroom_ratio", "") not in found


def test_insert_select_update_and_delete_have_each_their_own_span() -> None:
    """1,000 updates between 5 s and 5.4 s are 2,500/s, whatever ran before."""
    updates = span(
        "update",
        operation="update",
        count=1_000,
        records=1_000,
        first_started_us=5 * SECOND,
        last_ended_us=int(5.4 * SECOND),
    )

    found = figures("database_benchmark", [updates], [counts("update", 5, 5.4)])

    assert found == {("db_records_per_s", "update"): pytest.approx(2_500)}


def test_commands_of_a_cache_are_those_that_were_answered_over_their_own_span() -> None:
    """900 GETs of which 30 failed, from 1 s to 4 s: 870 in 3 s are 290/s; a miss is an answer."""
    reads = span(
        "read_through",
        operation="cache_get",
        count=900,
        failed=30,
        records=0,
        first_started_us=SECOND,
        last_ended_us=4 * SECOND,
    )
    found = figures("cache_benchmark", [reads], [counts("read_through", 1, 4)])

    assert found == {("cache_ops_per_s", "read_through"): pytest.approx(290)}


def test_a_cache_that_answered_nothing_has_no_rate() -> None:
    hung = span("read_through", operation="cache_get", count=5, failed=5, last_ended_us=SECOND)

    assert figures("cache_benchmark", [hung], [counts("read_through", 0, 1)]) == {}
