"""Make the readers of a profile's own deliveries and of the clock that they are stamped with.

Add here: the reader of another place or clock. Keep out: reading (workloads/), and using the
readings (own_deliveries.py).
"""

import os
import time
from collections.abc import Callable
from pathlib import Path

from perf_pipeline.config.http_steps import Auth
from perf_pipeline.config.own_deliveries import Deliveries
from perf_pipeline.config.own_scenarios import trust_of
from perf_pipeline.config.safety import found_addresses
from perf_pipeline.errors import TargetUnavailableError
from perf_pipeline.loading.clock_watch import AskedClock
from perf_pipeline.loading.promised_ids import PromisedIds
from perf_pipeline.loading.seeding import require_brokers, require_postgres
from perf_pipeline.loading.session import Session
from perf_pipeline.metrics.completion import DeliverySource
from perf_pipeline.secrecy.known import KNOWN
from perf_pipeline.workloads.http.parameters import authorization
from perf_pipeline.workloads.http.plain_client import PlainClient
from perf_pipeline.workloads.http.server_clock import HttpClock
from perf_pipeline.workloads.http.status_polls import StatusPolls
from perf_pipeline.workloads.kafka.own_deliveries import TopicDeliveries
from perf_pipeline.workloads.kafka.server_clock import KafkaClock
from perf_pipeline.workloads.postgres.own_deliveries import SqlDeliveries
from perf_pipeline.workloads.postgres.server_clock import PostgresClock


def axis_of(origin_ns: int) -> Callable[[], int]:
    """Return our clock: µs since the benchmark's origin."""
    return lambda: (time.monotonic_ns() - origin_ns) // 1_000


def source_of(
    session: Session, benchmark: str, deliveries: Deliveries, folder: Path, origin_ns: int
) -> DeliverySource:
    """Make the reader of the place that a profile names.

    Raises:
        TargetUnavailableError: the target has no such part, or a variable is not set.
    """
    if deliveries.sql:
        return SqlDeliveries(require_postgres(session), deliveries.sql, benchmark)
    if deliveries.topic:
        brokers = require_brokers(session)
        return TopicDeliveries(brokers, deliveries, benchmark, axis_of(origin_ns))
    return StatusPolls(
        lambda: _client(session),
        deliveries,
        PromisedIds(folder).fresh,
        axis_of(origin_ns),
        {**deliveries.headers, **_authorization(deliveries.auth, benchmark)},
        f"benchmarks.{benchmark}.deliveries",
    )


def clock_of(session: Session, deliveries: Deliveries, origin_ns: int) -> AskedClock | None:
    """Make the clock that the times of deliveries come from; None if they come from ours.

    Raises:
        TargetUnavailableError: the target has no such part.
    """
    now_us = axis_of(origin_ns)
    match deliveries.of_clock:
        case "postgres":
            return PostgresClock(require_postgres(session), now_us)
        case "broker":
            return KafkaClock(require_brokers(session), now_us)
        case "api":
            return HttpClock(_client(session), "/", now_us)
        case None:
            return None


def _client(session: Session) -> PlainClient:
    target, trust = session.target, trust_of(session.profile)
    if target.base_url is None:
        raise TargetUnavailableError(
            f"target {target.name} has no HTTP API, which deliveries over HTTP need",
            hint=f"set PERF_BASE_URL, or baseUrl of [targets.{target.name}]",
        )
    files = [str(file) for file in trust.ca_files]
    return PlainClient.of(target.base_url, found_addresses(target), files, anybody=trust.anybody)


def _authorization(auth: Auth | None, benchmark: str) -> dict[str, str]:
    if auth is None:
        return {}
    secret = os.environ.get(auth.variable, "")
    if not secret:
        raise TargetUnavailableError(
            f"benchmarks.{benchmark}.deliveries.auth: the environment variable {auth.variable} is "
            "not set",
            hint="export it first",
        )
    value = authorization(auth, secret)
    KNOWN.add_all([secret, value.partition(" ")[2]])
    return {"Authorization": value}
