"""Figures of the history against independent counts: of PostgreSQL, of the broker, by hand."""

import csv
import statistics
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from perf_pipeline.config.loading import load_profile
from perf_pipeline.config.profile import Profile
from perf_pipeline.errors import TargetUnavailableError
from perf_pipeline.loading.jobs import run_of
from perf_pipeline.loading.prepare import open_session
from perf_pipeline.loading.seeding import seed_users
from perf_pipeline.loading.session import Session
from perf_pipeline.probes.kafka import LagProbe
from perf_pipeline.runs.benchmarking import run_benchmark
from perf_pipeline.store.state import State
from perf_pipeline.workloads.kafka.topics import committed, watermarks
from perf_pipeline.workloads.people import run_email_pattern
from perf_pipeline_tests.support.histories.queries import rows_in
from perf_pipeline_tests.support.places import new_state
from perf_pipeline_tests.support.silent import Silent

pytestmark = pytest.mark.timeout(180)

# Durations end between two starts, so that the number of starts is certain.
PROFILE = """
name = "truth"
workers = 2
calibration = false
[seeding]
users = 300

[benchmarks.api_user_creation.scenarios.create_users]
exec = "create_user"
executor = "constant-vus"
vus = 4
duration = "2s"
warmUp = "500ms"
gracefulStop = "5s"
parameters = { thinkTime = "20ms..40ms" }

[benchmarks.queue_produce.scenarios.idempotent]
exec = "produce_messages"
executor = "constant-arrival-rate"
rate = 100
duration = "2005ms"
preAllocatedVUs = 50
maxVUs = 200

[benchmarks.end_to_end.scenarios.create_users]
exec = "create_user"
executor = "constant-arrival-rate"
rate = 20
duration = "2020ms"
warmUp = "500ms"
preAllocatedVUs = 20
maxVUs = 100
parameters = { ledger = true }
"""


@dataclass(frozen=True, slots=True)
class Counted:
    """Hold what was counted outside while the system still ran.

    Attributes:
        state: with history and spool.
        run_id: of the run.
        seeded: rows of the seeding.
        created: users of each benchmark in PostgreSQL.
        delivered: deliveries of end_to_end in PostgreSQL.
        produced: growth of the high watermarks of the topic.
        behind: high watermark - committed, asked of the broker after producing.
        lag: what the lag probe reads at the same moment.
        left: rows of the product after the run.
    """

    state: Path
    run_id: str
    seeded: int
    created: dict[str, int]
    delivered: int
    produced: int
    behind: int
    lag: float
    left: int

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        """Ask the history."""
        return rows_in(State(self.state).history_file, statement)

    def value(self, statement: str) -> Any:
        """Ask for one value."""
        return self.sql(statement)[0][0]


@pytest.fixture(scope="module")
def counted(
    tmp_path_factory: pytest.TempPathFactory, configured_target: dict[str, str]
) -> Iterator[Counted]:
    """Run three benchmarks, and count on the system itself."""
    state = new_state(tmp_path_factory.mktemp("truth") / "state")
    path = state / "truth.toml"
    path.write_text(PROFILE, encoding="utf-8")
    profile = load_profile(str(path))
    with open_session(
        profile, state=State(state), trigger="test", narrator=Silent(), environ=configured_target
    ) as session:
        before = _in_topic(session, profile)
        seeded = seed_users(session).users
        for benchmark in profile.benchmark_names:
            run_benchmark(session, benchmark)
        yield _count(session, profile, seeded, before)


def _in_topic(session: Session, profile: Profile) -> int:
    """Count what others left in the topic of queue_produce."""
    assert session.target.brokers is not None
    with suppress(TargetUnavailableError):  # there is none yet
        marks = watermarks(session.target.brokers, profile.benchmarks["queue_produce"].topic)
        return sum(mark.high_watermark for mark in marks)
    return 0


def _count(session: Session, profile: Profile, seeded: int, before: int) -> Counted:
    target = session.target
    assert target.postgres_dsn is not None
    assert target.brokers is not None
    queue = profile.benchmarks["queue_produce"]
    marks = watermarks(target.brokers, queue.topic)
    positions = committed(target.brokers, queue.group, queue.topic)
    probe = LagProbe(target.brokers, queue.group, [queue.topic])
    probe.open()
    readings = {reading.source: reading.value for reading in probe.read(0)}
    probe.close()
    with psycopg.connect(target.postgres_dsn) as connection:

        def count(sql: str, *values: str) -> int:
            row = connection.execute(sql, values).fetchone()
            assert row is not None
            return int(row[0])

        return Counted(
            state=session.state.folder,
            run_id=session.run_id,
            seeded=seeded,
            created={
                benchmark: count(
                    "select count(*) from users where email ~ %s",
                    run_email_pattern(run_of(session, benchmark)),
                )
                for benchmark in ("api_user_creation", "end_to_end")
            },
            delivered=count(
                "select count(*) from message_deliveries d join users u on u.id = d.user_id "
                "where u.email ~ %s",
                run_email_pattern(run_of(session, "end_to_end")),
            ),
            produced=sum(mark.high_watermark for mark in marks) - before,
            behind=sum(mark.high_watermark - (positions[mark.partition] or 0) for mark in marks),
            lag=readings[queue.group],
            left=count("select count(*) from users where email like 'u%%@perf-pipeline.invalid'"),
        )


def test_every_user_in_the_database_is_one_created_answer(counted: Counted) -> None:
    for benchmark in ("api_user_creation", "end_to_end"):
        created = counted.value(
            f"select count(*) from samples where benchmark = '{benchmark}' "
            "and operation = 'create_user' and status = 201"
        )
        assert created == counted.created[benchmark] > 20, benchmark


def test_the_seeded_rows_are_those_of_the_profile(counted: Counted) -> None:
    assert counted.seeded == counted.left == 300


def test_every_acknowledged_message_is_in_the_topic(counted: Counted) -> None:
    acknowledged = counted.value(
        "select count(distinct message_id) from ledger "
        "where benchmark = 'queue_produce' and event = 'acknowledged'"
    )
    # 100/s for 2.005 s: the starts at 0, 10 ... 2,000 ms.
    assert acknowledged == counted.produced == 201


def test_consumer_lag_is_high_watermark_minus_committed(counted: Counted) -> None:
    """Nobody consumed yet, and the position was fixed before the first message."""
    assert counted.lag == counted.behind == counted.produced


def test_a_planned_rate_that_was_kept_is_that_rate(counted: Counted) -> None:
    rate = counted.value(
        "select value from figures where benchmark = 'queue_produce' and name = 'produce_rate'"
    )
    from_us, until_us, last_us = counted.sql(
        "select measured_from_us, measured_until_us, max(ended_us) from scenarios "
        "join samples using (benchmark) where benchmark = 'queue_produce' and phase = 'measured' "
        "group by all"
    )[0]
    # All 201 starts at 100/s went well; what was confirmed after the end makes it less, and a busy
    # broker may confirm the last ones seconds later.
    elapsed_us = max(until_us, last_us) - from_us
    assert rate == pytest.approx(100 * (until_us - from_us) / elapsed_us)
    assert 10 < rate <= 100


def test_every_promised_message_was_delivered_once(counted: Counted) -> None:
    promised, completed = counted.sql(
        "select count(distinct message_id) filter (where event = 'acknowledged'), "
        "count(*) filter (where event = 'completed') from ledger where benchmark = 'end_to_end'"
    )[0]
    lost = counted.value(
        "select value from figures where benchmark = 'end_to_end' and name = 'messages_lost'"
    )

    assert promised == completed == counted.delivered == counted.created["end_to_end"]
    assert lost == 0


def test_message_latency_runs_from_the_intended_start_to_the_completion(counted: Counted) -> None:
    """By hand from the files of the spool, with Python's own median."""
    folder = counted.state / "spool" / counted.run_id / "end_to_end"
    times: dict[str, dict[str, int]] = {}
    for path in folder.glob("ledger-*.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                times.setdefault(row["message_id"], {})[row["event"]] = int(row["at_us"])
    from_us, until_us = counted.sql(
        "select measured_from_us, measured_until_us from scenarios where benchmark = 'end_to_end'"
    )[0]
    latencies_ms = [
        (time["completed"] - time["intended"]) / 1_000
        for time in times.values()
        if from_us <= time["intended"] < until_us
    ]
    stored = counted.sql(
        "select count, median from summaries where benchmark = 'end_to_end' "
        "and metric = 'message_latency' and tags = ''"
    )

    # 20/s: the starts at 500, 550 ... 2,000 ms.
    assert len(latencies_ms) == 31
    assert stored == [(31, pytest.approx(statistics.median(latencies_ms)))]
    assert all(0 < latency_ms < 10_000 for latency_ms in latencies_ms)


def test_bytes_status_and_phase_of_a_request_are_those_of_the_wire(counted: Counted) -> None:
    warm_up, measured, out, inward = counted.sql(
        "select count(*) filter (where phase = 'warm-up'), "
        "count(*) filter (where phase = 'measured'), min(bytes_out), min(bytes_in) "
        "from samples where benchmark = 'end_to_end'"
    )[0]

    assert (warm_up, measured) == (10, 31)  # at 0, 50 ... 450 ms and at 500, 550 ... 2,000 ms
    # The shortest request line, headers and body with five fields; 201 with the same and an id.
    assert out > 150
    assert inward > 150
