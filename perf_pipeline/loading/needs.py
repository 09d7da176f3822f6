"""Prepare what a benchmark needs before its load: data, topics, positions, an index.

Add here: another way to prepare or tidy something, in its table. Keep out: which benchmark needs it
(benchmarks/), and the load itself.
"""

import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from perf_pipeline.benchmarks.record import AfterLoad, BeforeLoad, BeforeStep, Part
from perf_pipeline.benchmarks.registry import is_shipped, record_of
from perf_pipeline.config.defaults import MESSAGE_BYTES
from perf_pipeline.config.health_question import OF_ANY_SYSTEM, OF_THE_REFERENCE_SYSTEM
from perf_pipeline.config.kafka_listeners import require_listeners
from perf_pipeline.config.needed_parts import draws_users, parts_of, reads_system_deliveries
from perf_pipeline.config.own_scenarios import trust_of
from perf_pipeline.config.parameters import ConsumeCeilingParameters, SelectParameters
from perf_pipeline.config.profile import BenchmarkConfig, Profile
from perf_pipeline.config.safety import found_addresses
from perf_pipeline.config.scenario import Scenario
from perf_pipeline.config.target import Target
from perf_pipeline.errors import TargetUnavailableError
from perf_pipeline.loading.expiry import longest_wait_us, note_ends, positions_file
from perf_pipeline.loading.growth_parts import require_growth_parts
from perf_pipeline.loading.jobs import CEILING_SUFFIX
from perf_pipeline.loading.own_database import fetch_rows, require_statements
from perf_pipeline.loading.own_deliveries import require_own_deliveries
from perf_pipeline.loading.own_topics import fix_own_positions, require_own_topics
from perf_pipeline.loading.seeding import (
    ensure_seeded,
    require_brokers,
    require_postgres,
    require_redis,
)
from perf_pipeline.loading.session import Session
from perf_pipeline.stack.health import require_health
from perf_pipeline.workloads.kafka.backlog import ensure_backlog
from perf_pipeline.workloads.kafka.topic_settings import require_kept_messages
from perf_pipeline.workloads.kafka.topics import ensure_topic, fix_position
from perf_pipeline.workloads.postgres.deliveries import require_readable_deliveries
from perf_pipeline.workloads.postgres.seeding import drop_birthday_index, ensure_birthday_index

# Nobody reads this value.
_FILLER: Final = b"x" * MESSAGE_BYTES


def prepare_benchmark(session: Session, benchmark: str) -> None:
    """Do what must be done once before the first step.

    Raises:
        TargetUnavailableError: a part that the benchmark needs is missing or refuses.
    """
    record = record_of(benchmark)
    require_parts(session, benchmark)
    # Own scenarios of the profile may draw users as well.
    also = [BeforeLoad.SEEDED_USERS] if draws_users(session.profile, benchmark) else []
    for preparation in dict.fromkeys((*record.before_load, *also)):
        BEFORE_LOAD[preparation](session, benchmark)
    require_own_deliveries(session, benchmark)
    if reads_system_deliveries(session.profile, benchmark):
        require_readable_deliveries(require_postgres(session))
        require_kept_deliveries(session, benchmark)
    fetch_rows(session, benchmark)
    fix_own_positions(session, benchmark)
    note_ends(session, benchmark)


def require_kept_deliveries(session: Session, benchmark: str) -> None:
    """Refuse a topic of the system that removes messages before its workers must be done.

    Raises:
        TargetUnavailableError: the topic does so (the message names the setting), or the brokers do
            not answer.
    """
    if session.target.brokers is not None:
        drain_us = session.profile.benchmarks[benchmark].drain_timeout_us
        wait_us = longest_wait_us(session, benchmark) + drain_us
        require_kept_messages(session.target.brokers, session.target.topic, wait_us)


def require_parts(session: Session, benchmark: str) -> None:
    """Check that the parts of the target that a benchmark needs are there.

    Raises:
        TargetUnavailableError: the target has no such part, or it does not answer.
    """
    for part in sorted(parts_of(session.profile, benchmark)):
        NEEDED[part](session, benchmark)


def require_api(profile: Profile, target: Target, benchmark: str) -> None:
    """Check that the API that a benchmark loads is healthy, in the target's own way.

    Raises:
        TargetUnavailableError: there is no API, or it does not answer as it should.
    """
    if target.base_url is None:
        raise TargetUnavailableError(
            f"target {target.name} has no HTTP API, which benchmarks that send requests need",
            hint=f"set PERF_BASE_URL, or baseUrl of [targets.{target.name}]",
        )
    usual = OF_THE_REFERENCE_SYSTEM if is_shipped(benchmark) else OF_ANY_SYSTEM
    require_health(
        target.base_url, trust_of(profile), found_addresses(target), target.health or usual
    )


def unmet_of(session: Session) -> dict[str, str]:
    """Return, by benchmark, why a planned benchmark cannot get a part of the target that it needs.

    The parts are checked once, before any load.

    Raises:
        TargetUnavailableError: no benchmark can begin; the error gives the first reason.
        ProfileError: an own statement is wrong, an own message larger than its topic takes, or a
            threshold on the growth of a part that nothing watches.
    """
    found: dict[str, TargetUnavailableError] = {}
    answers: dict[tuple[Part, bool], TargetUnavailableError | None] = {}
    for benchmark in session.planned:
        for part in sorted(parts_of(session.profile, benchmark)):
            asked = part, is_shipped(benchmark)
            if asked not in answers:
                answers[asked] = _refusal_of(session, benchmark, part)
            if (error := answers[asked]) is not None:
                found[benchmark] = error
                break
        if benchmark not in found and (error := _refused_own_work(session, benchmark)):
            found[benchmark] = error
    if found and len(found) == len(session.planned):
        raise next(iter(found.values()))
    return {name: in_one_sentence(error) for name, error in found.items()}


def _refusal_of(session: Session, benchmark: str, part: Part) -> TargetUnavailableError | None:
    try:
        NEEDED[part](session, benchmark)
    except TargetUnavailableError as error:
        return error
    return None


def _refused_own_work(session: Session, benchmark: str) -> TargetUnavailableError | None:
    try:
        require_statements(session, benchmark)
        require_own_topics(session, benchmark)
        require_growth_parts(session, benchmark)
    except TargetUnavailableError as error:
        return error
    return None


def in_one_sentence(error: TargetUnavailableError) -> str:
    """Join the sentence of an error with its remedy."""
    return "; ".join(filter(None, (error.sentence, error.hint)))


def prepare_step(session: Session, benchmark: str, step: int) -> str:
    """Prepare one step; if it can't be measured, report and return the reason.

    The database is queried with and without its index; consumers of a backlog need one.
    """
    config = session.profile.benchmarks[benchmark]
    asked = dict(config.load_steps)[step]
    done = [
        BEFORE_STEP[preparation](session, config, asked)
        for preparation in record_of(benchmark).before_step
    ]
    unfit = "; ".join(filter(None, done))
    if unfit:
        session.say(unfit)
    return unfit


def tidy(session: Session, benchmark: str) -> None:
    """Remove what a benchmark added to the target apart from rows."""
    for tidying in record_of(benchmark).after_load:
        AFTER_LOAD[tidying](session)


def _birthday_index(session: Session, _: BenchmarkConfig, asked: Mapping[str, Scenario]) -> str:
    """Create or drop the birthday index as a step needs it; a step with both kinds leaves it."""
    wanted = {
        scenario.parameters.index
        for scenario in asked.values()
        if isinstance(scenario.parameters, SelectParameters)
    }
    if wanted == {True}:
        ensure_birthday_index(require_postgres(session))
    elif wanted == {False} and (other := drop_birthday_index(require_postgres(session))):
        return (
            f"{', '.join(asked)}: not measured, because the target has an index of its own on "
            f"month and day ({other}), and a select without an index would use it"
        )
    return ""


def _backlog(session: Session, config: BenchmarkConfig, asked: Mapping[str, Scenario]) -> str:
    """Produce missing messages of the backlog that the step's consumers take without a pause."""
    backlog = sum(
        scenario.parameters.backlog
        for scenario in asked.values()
        if isinstance(scenario.parameters, ConsumeCeilingParameters)
    )
    if backlog:
        group, topic = (f"{name}{CEILING_SUFFIX}" for name in (config.group, config.topic))
        ensure_backlog(require_brokers(session), group, topic, backlog, value=_FILLER)
    return ""


def _drop_birthday_index(session: Session) -> None:
    drop_birthday_index(require_postgres(session))


def _need_api(session: Session, benchmark: str) -> None:
    require_api(session.profile, session.target, benchmark)


def _need_postgres(session: Session, _: str) -> None:
    require_postgres(session)


def _need_brokers(session: Session, _: str) -> None:
    """Check again where the brokers send clients."""
    require_listeners(require_brokers(session), session.target.allowed)


def _need_redis(session: Session, _: str) -> None:
    require_redis(session)


def _seeded_users(session: Session, benchmark: str) -> None:
    if draws_users(session.profile, benchmark):
        ensure_seeded(session)


def _consumer_position(session: Session, benchmark: str) -> None:
    """Create the topics, and fix the consumer's position before the first message is produced."""
    brokers, config = require_brokers(session), session.profile.benchmarks[benchmark]
    for suffix in (CEILING_SUFFIX, ""):
        ensure_topic(brokers, f"{config.topic}{suffix}", config.partitions)
        require_kept_messages(
            brokers, f"{config.topic}{suffix}", longest_wait_us(session, benchmark)
        )
        positions = fix_position(brokers, f"{config.group}{suffix}", f"{config.topic}{suffix}")
    positions_file(session).write_text(json.dumps(positions), encoding="utf-8")


def _kept_position(session: Session, benchmark: str) -> None:
    """Fix the position, unless this run's producing did so: then a backlog waits there."""
    if not positions_file(session).exists():
        _consumer_position(session, benchmark)


NEEDED: Final[Mapping[Part, Callable[[Session, str], None]]] = MappingProxyType(
    {
        Part.API: _need_api,
        Part.POSTGRES: _need_postgres,
        Part.BROKERS: _need_brokers,
        Part.REDIS: _need_redis,
    }
)
BEFORE_LOAD: Final[Mapping[BeforeLoad, Callable[[Session, str], None]]] = MappingProxyType(
    {
        BeforeLoad.SEEDED_USERS: _seeded_users,
        BeforeLoad.CONSUMER_POSITION: _consumer_position,
        BeforeLoad.KEPT_POSITION: _kept_position,
    }
)
BEFORE_STEP: Final[
    Mapping[BeforeStep, Callable[[Session, BenchmarkConfig, Mapping[str, Scenario]], str]]
] = MappingProxyType({BeforeStep.BIRTHDAY_INDEX: _birthday_index, BeforeStep.BACKLOG: _backlog})
AFTER_LOAD: Final[Mapping[AfterLoad, Callable[[Session], None]]] = MappingProxyType(
    {AfterLoad.BIRTHDAY_INDEX: _drop_birthday_index}
)
