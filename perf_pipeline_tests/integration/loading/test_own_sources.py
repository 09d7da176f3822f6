"""Places and clocks of own deliveries: what can't work is told before a load, by a sentence."""

import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest
from confluent_kafka import Producer

from perf_pipeline.analysis.clock import clock_offset
from perf_pipeline.config.kafka_client import kafka_settings
from perf_pipeline.config.own_deliveries import Deliveries
from perf_pipeline.errors import TargetUnavailableError
from perf_pipeline.loading.clock_watch import AskedClock, ClockWatch
from perf_pipeline.loading.own_sources import axis_of
from perf_pipeline.workloads.http.plain_client import PlainClient
from perf_pipeline.workloads.http.server_clock import HttpClock
from perf_pipeline.workloads.http.status_polls import StatusPolls
from perf_pipeline.workloads.kafka.own_deliveries import TopicDeliveries
from perf_pipeline.workloads.kafka.server_clock import KafkaClock
from perf_pipeline.workloads.postgres.own_deliveries import SqlDeliveries
from perf_pipeline.workloads.postgres.server_clock import PostgresClock
from perf_pipeline_tests.support.commands.command_line import wait_until
from perf_pipeline_tests.support.loads.kafka_topics import own_topic
from perf_pipeline_tests.support.servers.serving import QuietHandler, serving


class _Forgiving(QuietHandler):
    """Answer every path with 200, but for /closed, which is forbidden."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer; the standard library adds Date."""
        self.send_response(403 if self.path.startswith("/closed") else 200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    with serving(_Forgiving) as url:
        yield url


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("select id from nothing_here", 'relation "nothing_here" does not exist'),
        ("select 1 as id;", "gives the columns id; it needs completed_at once"),
        ("select 1 as id, 2 as id, now() as completed_at", "it needs id once"),
        ("select 1 as id, now()::timestamp as completed_at", "completed_at without a time zone"),
        ("select 1 as id, now() as completed_at from", "syntax error"),
        ("delete from pg_class returning 1 as id, now() as completed_at", "syntax error"),
        ("select id, now() as completed_at from t where id = any(%(ids)s", "can't be run"),
    ],
)
def test_a_query_that_can_not_tell_deliveries_is_refused(
    postgres_dsn: str, query: str, sentence: str
) -> None:
    with pytest.raises(TargetUnavailableError) as caught:
        SqlDeliveries(postgres_dsn, query, "orders").require()

    assert str(caught.value).startswith("benchmarks.orders.deliveries.sql ")
    assert sentence in str(caught.value)


def test_a_query_is_asked_for_the_promised_ids_and_skips_what_is_not_completed(
    postgres_dsn: str,
) -> None:
    query = """
        select id, completed_at from (values
            ('a', timestamptz '1970-01-01 00:00:01Z'), ('b', null), ('c', 'infinity'),
            ('d', '1970-01-01 00:00:02Z')) as found (id, completed_at)
        where id = any(%(ids)s) -- nothing follows"""
    source = SqlDeliveries(postgres_dsn, query, "orders")
    source.require()

    found = source.read({"a", "b", "c"})

    assert [(completion.message_id, completion.at_us) for completion in found] == [("a", 1_000_000)]


def test_a_topic_that_is_not_there_or_has_no_broker_time_is_refused(brokers: str) -> None:
    def source(topic: str, **more: str) -> TopicDeliveries:
        place = Deliveries.model_validate({"topic": topic, "id": "$.id", **more})
        return TopicDeliveries(brokers, place, "orders", axis_of(0))

    with pytest.raises(TargetUnavailableError, match="there is no topic test-not-there"):
        source("test-not-there").require()
    with own_topic(brokers, "create-time", 1) as topic:
        with pytest.raises(TargetUnavailableError, match="timestamp.type=CreateTime, so its"):
            source(topic).require()
        source(topic, time="here").require()


def test_a_message_that_arrives_here_is_stamped_then_and_not_with_the_next_ones(
    brokers: str,
) -> None:
    # One each 20 ms: those that are held back until 100 ms are over come five within 1 ms.
    producer = Producer({**kafka_settings(brokers), "linger.ms": 0})
    with own_topic(brokers, "arrivals", 1) as topic:
        place = Deliveries.model_validate({"topic": topic, "id": "key", "time": "here"})
        source = TopicDeliveries(brokers, place, "orders", axis_of(0))
        source.begin()
        for number in range(30):
            producer.produce(topic, key=str(number))
            producer.flush(10)
            time.sleep(0.02)
        wait_until(lambda: len(source.read(())) == 30)
        source.end()

    stamps_us = [completion.at_us for completion in source.read(())]
    together = sum(after - before < 1_000 for before, after in pairwise(stamps_us))
    assert together < 15


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("/orders/${message}", "a message that does not exist looks completed (status 200)"),
        ("/closed/${message}", "answered 403"),
    ],
)
def test_a_status_that_tells_nothing_is_refused(base_url: str, path: str, sentence: str) -> None:
    polls = polls_of(base_url, list, path=path)
    with pytest.raises(TargetUnavailableError) as caught:
        polls.require()

    assert sentence in str(caught.value)


def test_true_is_not_1_where_an_answer_says_that_a_message_is_done() -> None:
    """An unknown message whose answer has the number 1 there is not completed."""

    class Numbers(QuietHandler):
        def do_GET(self) -> None:
            """Answer that nothing is done, with numbers in place of true."""
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"done": 1, "parts": [1, 0]}')

    with serving(Numbers) as url:
        for done in ({"$.done": True}, {"$.parts": [True, False]}):
            polls_of(url, list, path="/orders/${message}", done=done).require()
        with pytest.raises(TargetUnavailableError, match="looks completed"):
            polls_of(url, list, path="/orders/${message}", done={"$.done": 1.0}).require()


def test_ledgers_are_looked_into_ten_times_a_second_while_others_read(base_url: str) -> None:
    """A look that takes long holds nobody up."""
    looks, is_free = [0], threading.Event()

    def promised() -> list[tuple[str, int]]:
        looks[0] += 1
        assert is_free.wait(10)
        return []

    polls = polls_of(base_url, promised, path="/closed/${message}")
    polls.begin()
    began_s = time.monotonic()
    while not looks[0]:
        time.sleep(0.01)
    assert polls.read(()) == []
    is_free.set()
    time.sleep(0.5)
    polls.end()

    assert 1 < looks[0] <= 2 + 10 * (time.monotonic() - began_s)


def polls_of(
    url: str, promised: Callable[[], list[tuple[str, int]]], **given: object
) -> StatusPolls:
    """Give polls of an API of this machine."""
    return StatusPolls(
        lambda: PlainClient(url, (), None),
        Deliveries.model_validate(given),
        promised,
        axis_of(0),
        {},
        "benchmarks.orders.deliveries",
    )


def _clocks(dsn: str, brokers: str, url: str) -> dict[str, Callable[[], AskedClock]]:
    now_us = axis_of(0)
    return {
        "postgres": lambda: PostgresClock(dsn, now_us),
        "broker": lambda: KafkaClock(brokers, now_us),
        "api": lambda: HttpClock(PlainClient(url, (), None), "/", now_us),
    }


@pytest.mark.parametrize(
    ("name", "most_error_ms"), [("postgres", 50), ("broker", 300), ("api", 200)]
)
def test_the_clock_of_this_machine_is_found_within_the_bound(
    name: str, most_error_ms: int, postgres_dsn: str, brokers: str, base_url: str
) -> None:
    # All of them are this machine's: theirs minus ours is wall clock minus monotonic clock.
    true_us = (time.time_ns() - time.monotonic_ns()) // 1_000
    watch = ClockWatch(_clocks(postgres_dsn, brokers, base_url)[name]())
    try:
        watch.begin()
        found = watch.finish()
    finally:
        watch.close()

    assert found is not None
    assert abs(found.offset_us - true_us) <= found.error_us + 1_000
    assert 0 < found.error_us < most_error_ms * 1_000


def test_an_http_date_alone_leaves_a_second_open(base_url: str) -> None:
    clock = HttpClock(PlainClient(base_url, (), None), "/", axis_of(0))
    clock.open()
    found = clock_offset([[clock._ask()]])
    clock.close()

    assert found is not None
    assert found.error_us >= 500_000
