"""What a benchmark needs before its load: data, topics, positions, an index.

Add here: a preparation of a benchmark, in its table. Keep out: the load itself.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from perf_pipeline.config.kafka_listeners import require_listeners
from perf_pipeline.config.own_scenarios import draws_seeded_users, trust_of
from perf_pipeline.config.parameters import ConsumeCeilingParameters, SelectParameters
from perf_pipeline.config.safety import found_addresses
from perf_pipeline.loading.jobs import CEILING_SUFFIX
from perf_pipeline.loading.seeding import ensure_seeded, require_brokers, require_postgres
from perf_pipeline.loading.session import Session
from perf_pipeline.stack.health import require_health
from perf_pipeline.workloads.kafka.backlog import ensure_backlog
from perf_pipeline.workloads.kafka.producing import MESSAGE_BYTES
from perf_pipeline.workloads.kafka.topics import ensure_topic, fix_position
from perf_pipeline.workloads.postgres.seeding import drop_birthday_index, ensure_birthday_index

# Nobody reads it.
_FILLER: Final = b"x" * MESSAGE_BYTES


def prepare_benchmark(session: Session, benchmark: str) -> None:
    """Do what must be done once before the first step.

    Raises:
        TargetUnavailableError: a part that the benchmark needs is absent or refuses.
    """
    _BENCHMARKS.get(benchmark, _need_api)(session)
    if draws_seeded_users(session.profile.benchmarks[benchmark]):
        ensure_seeded(session)


def prepare_step(session: Session, benchmark: str, step: int) -> None:
    """Do what must be done before one step.

    The database is asked with and without its index; who consumes a backlog needs one.
    """
    scenarios = dict(session.profile.benchmarks[benchmark].steps)[step]
    parameters = [scenario.parameters for scenario in scenarios.values()]
    wanted = {one.index for one in parameters if isinstance(one, SelectParameters)}
    if wanted == {True}:
        ensure_birthday_index(require_postgres(session))
    elif wanted == {False}:
        drop_birthday_index(require_postgres(session))
    backlog = sum(one.backlog for one in parameters if isinstance(one, ConsumeCeilingParameters))
    if backlog:
        config = session.profile.benchmarks[benchmark]
        group, topic = (f"{name}{CEILING_SUFFIX}" for name in (config.group, config.topic))
        ensure_backlog(require_brokers(session), group, topic, backlog, value=_FILLER)


def tidy(session: Session, benchmark: str) -> None:
    """Take back what a benchmark added to the target beside its rows."""
    if benchmark == "database_benchmark":
        drop_birthday_index(require_postgres(session))


def _need_api(session: Session) -> None:
    if session.target.base_url is not None:
        require_health(
            session.target.base_url, trust_of(session.profile), found_addresses(session.target)
        )


def _need_api_and_data(session: Session) -> None:
    _need_api(session)
    ensure_seeded(session)


def _need_queue(session: Session) -> None:
    """Make the topics and fix the consumer's position before the first message is produced."""
    _fix(session, _allowed_brokers(session), "queue_produce")


def _need_position(session: Session) -> None:
    """Fix the position, unless this run's producing has done it: then a backlog waits there."""
    brokers = _allowed_brokers(session)
    if not _positions_of(session).exists():
        _fix(session, brokers, "queue_consume")


def _allowed_brokers(session: Session) -> str:
    """Give the bootstrap servers, after another look at where they send clients to."""
    brokers = require_brokers(session)
    require_listeners(brokers, session.target.allowed)
    return brokers


def _fix(session: Session, brokers: str, benchmark: str) -> None:
    config = session.profile.benchmarks[benchmark]
    for suffix in (CEILING_SUFFIX, ""):
        ensure_topic(brokers, f"{config.topic}{suffix}", config.partitions)
        positions = fix_position(brokers, f"{config.group}{suffix}", f"{config.topic}{suffix}")
    _positions_of(session).write_text(json.dumps(positions), encoding="utf-8")


def _positions_of(session: Session) -> Path:
    return session.folder / "positions.json"


_BENCHMARKS: Final[Mapping[str, Callable[[Session], None]]] = MappingProxyType(
    {
        "api_user_creation": _need_api,
        "api_mixed_operations": _need_api_and_data,
        "database_benchmark": ensure_seeded,
        "queue_produce": _need_queue,
        "queue_consume": _need_position,
        "end_to_end": _need_api,
        "day_simulation": _need_api,
    }
)
