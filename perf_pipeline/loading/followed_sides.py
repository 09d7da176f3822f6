"""Follow the messages of two sides to their deliveries while both are loaded in turns.

It waits for both sides at the same time, so that neither gets more time than the other.
Add here: another reason why the deliveries of two sides can't be compared. Keep out: reading
deliveries (own_deliveries.py, deliveries.py), and judging them (analysis/duet_deliveries.py).
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from perf_pipeline.analysis.clock import ClockOffset
from perf_pipeline.analysis.duet_deliveries import DuetDeliveries
from perf_pipeline.analysis.duet_record import SIDES
from perf_pipeline.config.duet_loads import is_paced
from perf_pipeline.config.kafka_client import bootstrap_servers
from perf_pipeline.config.needed_parts import reads_system_deliveries
from perf_pipeline.config.own_deliveries import Deliveries
from perf_pipeline.config.own_delivery_rules import promises
from perf_pipeline.engine.side_recorder import side_folder
from perf_pipeline.engine.wall_clock import WallClockWatch
from perf_pipeline.loading.clock_watch import AskedClock, ClockWatch
from perf_pipeline.loading.deliveries import Collected, collect_deliveries
from perf_pipeline.loading.member_watch import MemberWatch, WorkerLooks
from perf_pipeline.loading.own_deliveries import OwnDeliveries, require_own_deliveries
from perf_pipeline.loading.own_sources import clock_of, source_of
from perf_pipeline.loading.seeding import require_brokers
from perf_pipeline.loading.session import Session
from perf_pipeline.store.duet_samples import ids_of, read_delivered
from perf_pipeline.store.spool_figures import ledger_counts_from_spool
from perf_pipeline.units import US_PER_S
from perf_pipeline.workloads.kafka.topics import cluster_of

_ERROR: Final = "latency_error_ms"
_ONE_PLACE: Final = (
    "both show their deliveries in one place, so that it is unknown whose they are; write ids "
    "that hold ${run}, which differs between the sides"
)
_TWO_PLACES: Final = (
    "each side is asked for its own; if both keep them in one place, what one side delivers counts "
    "for the other as well: then write ids that hold ${run}"
)
Collect = Callable[[], Collected]


@dataclass(frozen=True, slots=True)
class FollowedSides:
    """Hold what happened to the messages of both sides.

    Attributes:
        deliveries: how long they took; None if that is unknown.
        limits: why it is unknown, in one sentence each.
        problems: what else a reader must know, in one sentence each.
        workers: which workers handled them.
    """

    deliveries: DuetDeliveries | None = None
    limits: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    workers: WorkerLooks = field(default_factory=WorkerLooks)


def is_followed(sides: Sequence[Session], benchmark: str) -> bool:
    """Say whether messages are followed, because it is known where their deliveries show.

    For sides that are reference systems, their table is known. Virtual users would give the faster
    side more messages to deliver, so messages are followed only under a rate.
    """
    profile = sides[0].profile
    config = profile.benchmarks[benchmark]
    if config.deliveries is not None:
        return True
    tables = {side.target.postgres_dsn for side in sides} - {None}
    has_tables = len(tables) == len(sides)  # one table for both could not tell whose user it is
    promised = any(map(promises, config.scenarios.values()))
    has_rate = is_paced(config.scenarios, list(config.scenarios))
    is_told = promised and has_rate and reads_system_deliveries(profile, benchmark)
    return has_tables and is_told


@contextmanager
def following(
    sides: Sequence[Session],
    benchmark: str,
    folder: Path,
    origin_ns: int,
    groups: Sequence[str],
) -> Iterator[Callable[[], FollowedSides] | None]:
    """Start watching for the deliveries of both sides; release everything afterwards.

    Args:
        sides: a session for each side.
        benchmark: the benchmark whose load runs.
        folder: the folder of the load's samples.
        origin_ns: the origin, in `time.monotonic_ns`, of the load.
        groups: the groups that each side's workers were told; empty if somebody else started them.

    Yields:
        A function that waits for the deliveries after the load; None if nobody follows them.

    Raises:
        TargetUnavailableError: the place or its clock can't be read.
    """
    if not is_followed(sides, benchmark):
        yield None
        return
    folders = [side_folder(folder, number) for number in range(len(SIDES))]
    for path in folders:
        path.mkdir()
    deliveries = sides[0].profile.benchmarks[benchmark].deliveries
    if deliveries is None:
        yield lambda: joined(
            [
                _of_system(side, benchmark, path, origin_ns)
                for side, path in zip(sides, folders, strict=True)
            ],
            folders,
        )
        return
    for side in sides:
        require_own_deliveries(side, benchmark)
    clocks = _clocks(sides, deliveries, origin_ns)
    with ExitStack() as leaving:
        collects = list[Collect]()
        for side, path, watch in zip(sides, folders, clocks, strict=True):
            own = _followed(side, benchmark, deliveries, path, origin_ns, watch)
            leaving.callback(own.close)
            own.begin()
            collects.append(own.collect)
        is_one_place = len({_place_of(side, deliveries) for side in sides}) == 1
        has_two = clocks[0] is not None and clocks[0] is not clocks[1]
        workers = MemberWatch(sides, benchmark, origin_ns, groups)
        leaving.callback(workers.close)
        workers.begin()

        def collect() -> FollowedSides:
            found = joined(collects, folders, is_one_place=is_one_place, has_two_clocks=has_two)
            return replace(found, workers=workers.finish())

        yield collect


def _followed(
    session: Session,
    benchmark: str,
    deliveries: Deliveries,
    folder: Path,
    origin_ns: int,
    watch: ClockWatch | None,
) -> OwnDeliveries:
    """Make the follower of one side's deliveries, with a clock that both sides may share."""
    timeout_s = session.profile.benchmarks[benchmark].drain_timeout_us / US_PER_S
    source = source_of(session, benchmark, deliveries, folder, origin_ns)
    return OwnDeliveries(session, deliveries, folder, origin_ns, timeout_s, source, watch)


def _of_system(session: Session, benchmark: str, folder: Path, origin_ns: int) -> Collect:
    def collect() -> Collected:
        expected = ledger_counts_from_spool(folder).expected
        clock = WallClockWatch()  # the load's own health has watched until now
        return collect_deliveries(session, benchmark, folder, origin_ns, expected, clock)

    return collect


class _SharedClock(ClockWatch):
    """Measure one clock for both sides, so that its error is the same for both."""

    def __init__(self, clock: AskedClock) -> None:
        super().__init__(clock)
        self._lock = threading.Lock()
        self._has_begun = self._is_finished = self._is_closed = False
        self._offset: ClockOffset | None = None

    def begin(self) -> None:
        """Ask the first round, only once."""
        if not self._has_begun:
            self._has_begun = True
            super().begin()

    def finish(self) -> ClockOffset | None:
        """Ask the last round, only once; give both sides the same answer."""
        with self._lock:
            if not self._is_finished:
                self._is_finished = True
                self._offset = super().finish()
            return self._offset

    def close(self) -> None:
        """Release the clock, only once."""
        if not self._is_closed:
            self._is_closed = True
            super().close()


def _clocks(
    sides: Sequence[Session], deliveries: Deliveries, origin_ns: int
) -> list[ClockWatch | None]:
    """Return the watch of each side's clock; it is the same object if both use one clock."""
    made = dict[str, ClockWatch | None]()
    for side in sides:
        address = _address_of(side, deliveries.of_clock or "")
        if address not in made:
            clock = clock_of(side, deliveries, origin_ns)
            made[address] = None if clock is None else _SharedClock(clock)
    return [made[_address_of(side, deliveries.of_clock or "")] for side in sides]


def _place_of(session: Session, deliveries: Deliveries) -> str:
    """Name the place of a side's deliveries; a cluster has one name, however it is written."""
    if deliveries.topic:
        return cluster_of(require_brokers(session))
    return _address_of(session, "api" if deliveries.path else "postgres")


def _address_of(session: Session, part: str) -> str:
    target = session.target
    match part:
        case "broker":
            return bootstrap_servers(target.brokers or "")
        case "api":
            return target.base_url or ""
        case "postgres":
            return target.postgres_dsn or ""
        case _:
            return ""


def joined(
    collects: Sequence[Collect],
    folders: Sequence[Path],
    *,
    is_one_place: bool = False,
    has_two_clocks: bool = False,
) -> FollowedSides:
    """Wait for both sides at the same time, and combine their results.

    Args:
        collects: functions that wait for the deliveries of each side.
        folders: the folders with the ledger of each side.
        is_one_place: whether both show their deliveries in the same place.
        has_two_clocks: whether the deliveries of each side have their own clock.

    Raises:
        TargetUnavailableError: a place does not answer any more.
    """
    with ThreadPoolExecutor(len(collects)) as both:
        found = [future.result() for future in [both.submit(collect) for collect in collects]]
    limits = [
        f"{name}: {told}"
        for name, followed in zip(SIDES, found, strict=True)
        for told in followed.limits
    ]
    problems = [
        f"{name}: {told}"
        for name, followed in zip(SIDES, found, strict=True)
        for told in (*followed.problems, *followed.told)
    ]
    unknown = not all(followed.is_known for followed in found)
    if unknown and not limits:
        limits, problems = problems, []
    (limits if is_one_place else problems).extend(_shared_told(folders, is_one_place=is_one_place))
    if limits:
        return FollowedSides(limits=tuple(limits), problems=tuple(problems))
    errors_ms = [
        figure.value for followed in found for figure in followed.figures if figure.name == _ERROR
    ]
    error_ms = sum(errors_ms) if has_two_clocks else max(errors_ms, default=0.0)
    old, new = (read_delivered(folder) for folder in folders)
    return FollowedSides(
        DuetDeliveries(old, new, error_ms, has_two_clocks=has_two_clocks),
        problems=tuple(problems),
    )


def _shared_told(folders: Sequence[Path], *, is_one_place: bool) -> Iterator[str]:
    """Say if both sides promised messages with the same ids; otherwise nothing."""
    if both := ids_of(folders[0]) & ids_of(folders[1]):
        yield (
            f"{len(both):,} message ids were promised by both sides, such as {min(both)!r}, and "
            f"{_ONE_PLACE if is_one_place else _TWO_PLACES}"
        )
