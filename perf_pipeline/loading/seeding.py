"""Seed the users of a run, and divide their ids among scenarios that read, change or delete users.

Add here: another set of ids. Keep out: how rows are made and removed (workloads/).
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from perf_pipeline.errors import TargetUnavailableError
from perf_pipeline.loading.absent import REDIS_REMEDY
from perf_pipeline.loading.session import Aim, Session
from perf_pipeline.workloads.postgres.seeding import clean, seed, split_ids

# Reads, deletes and updates never share an id: reading a deleted user gives a meaningless 404.
SHARES: Final[Mapping[str, float]] = MappingProxyType(
    {"api_reads": 0.4, "api_deletes": 0.3, "database_updates": 0.15, "database_deletes": 0.15}
)


@dataclass(frozen=True, slots=True)
class SeededRun:
    """Describe what was seeded.

    Attributes:
        users: the number of rows that exist now.
        removed: the number of rows of earlier runs that were removed.
        rows_per_s: the rate of COPY with its commit.
        sets: the number of ids in each set.
    """

    users: int
    removed: int
    rows_per_s: float
    sets: Mapping[str, int]


def seed_users(session: Session) -> SeededRun:
    """Remove rows of earlier runs, load this run's users, write their ids to the run's folder.

    Raises:
        TargetUnavailableError: no PostgreSQL is configured, or it refuses.
        StoppedByUserError: the run was stopped in the meantime.
    """
    dsn = require_postgres(session)
    users = session.profile.seeding.users
    session.say(f"seeding {users:,} users")
    removed = clean(dsn)
    seeded = seed(
        dsn,
        seed=session.profile.seed,
        run=session.run_id,
        count=users,
        is_over=session.stop.is_set,
    )
    sets = split_ids(seeded.ids, SHARES, seed=session.profile.seed)
    for name, ids in sets.items():
        _write_ids(ids_file(session, name), ids)
    result = SeededRun(
        users=len(seeded.ids),
        removed=removed,
        rows_per_s=seeded.rows_per_s,
        sets={name: len(ids) for name, ids in sets.items()},
    )
    _record_of(session).write_text(json.dumps(asdict(result)), encoding="utf-8")
    return result


def seed_users_of_both(sides: Sequence[Session]) -> None:
    """Seed the same users into the tables of both sides of a comparison.

    Raises:
        TargetUnavailableError: a side refuses, or the users of the two sides have different ids.
        StoppedByUserError: the comparison was stopped in the meantime.
    """
    found = []
    for side in sides:
        side.folder.mkdir(parents=True, exist_ok=True)
        seed_users(side)
        found.append([ids_file(side, name).read_text(encoding="utf-8") for name in SHARES])
    if any(ids != found[0] for ids in found):
        raise TargetUnavailableError(
            "the two sides gave the seeded users other ids, so that they can't be asked for the "
            "same ones",
            hint="compare two reference systems that begin empty",
        )


def has_seeded(session: Session) -> bool:
    """Say whether this run has seeded its users."""
    return _record_of(session).exists()


def ensure_seeded(session: Session) -> None:
    """Seed unless this run has done so; even a benchmark that is run alone needs its data."""
    if not has_seeded(session):
        seed_users(session)


def remove_seeded(session: Session) -> int:
    """Remove all rows that this product created, and return their number."""
    _record_of(session).unlink(missing_ok=True)
    return clean(require_postgres(session))


def ids_file(session: Session, name: str) -> Path:
    """Return the file with one set of ids, one per line."""
    return session.folder / f"ids-{name}.txt"


def require_postgres(session: Session) -> str:
    """Return the DSN.

    Raises:
        TargetUnavailableError: none is configured.
    """
    if session.target.postgres_dsn is None:
        raise TargetUnavailableError(
            f"target {session.target.name} has no PostgreSQL, which seeding and the database "
            "benchmark need",
            hint="set PERF_POSTGRES_DSN (or the variable that postgresDsnEnv names)",
        )
    return session.target.postgres_dsn


def require_brokers(session: Aim) -> str:
    """Return the bootstrap servers.

    Raises:
        TargetUnavailableError: none are configured.
    """
    if session.target.brokers is None:
        raise TargetUnavailableError(
            f"target {session.target.name} has no Kafka brokers, which the queue benchmarks need",
            hint="set PERF_KAFKA_BROKERS, or the key brokers of the target",
        )
    return session.target.brokers


def require_redis(session: Session) -> str:
    """Return the URL.

    Raises:
        TargetUnavailableError: none is configured, and none was started.
    """
    if session.target.redis_url is None:
        raise TargetUnavailableError(
            f"target {session.target.name} has no Redis, which the cache benchmark needs",
            hint=REDIS_REMEDY,
        )
    return session.target.redis_url


def _record_of(session: Session) -> Path:
    return session.folder / "seeded.json"


def _write_ids(path: Path, ids: Iterable[str]) -> None:
    path.write_text("".join(f"{user_id}\n" for user_id in ids), encoding="utf-8")
