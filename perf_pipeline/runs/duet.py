"""Compare two sides: find or start them, load them in turns, judge, publish.

Add here: another step of a comparison. Keep out: printing.
"""

import os
import shutil
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from perf_pipeline.analysis.duet_record import SIDES, DuetLoadRecord, DuetRecord, OnUndecided
from perf_pipeline.analysis.duet_verdict import DuetRules
from perf_pipeline.config.duet import DuetConfig
from perf_pipeline.config.duet_loads import DuetLoad, duet_loads, needs_users
from perf_pipeline.config.duet_sides import (
    CommandSide,
    ReferenceSide,
    Side,
    part_of,
    read_side,
    told_side,
)
from perf_pipeline.config.profile import Profile
from perf_pipeline.engine.forked_worker import worker_template
from perf_pipeline.engine.worker_start import StartWorker
from perf_pipeline.errors import ProfileError, TargetUnavailableError
from perf_pipeline.judging.duet import publish_duet
from perf_pipeline.loading.attempt import require_undone
from perf_pipeline.loading.duet import DuetSession, measure_duet
from perf_pipeline.loading.jobs import workload_modules
from perf_pipeline.loading.locks import alone, lock_folders
from perf_pipeline.loading.own_database import fetch_rows_of_both
from perf_pipeline.loading.prepare import require_history
from perf_pipeline.loading.revision import told_version
from perf_pipeline.loading.seeding import seed_users_of_both
from perf_pipeline.loading.session import Session, new_run_id
from perf_pipeline.loading.space import require_space
from perf_pipeline.narration import Narrator
from perf_pipeline.quoting import on_one_line
from perf_pipeline.runs.pipeline import chosen
from perf_pipeline.runs.sides_up import SidesWanted, SideUp
from perf_pipeline.secrecy.addresses import mask_address
from perf_pipeline.secrecy.known import KNOWN
from perf_pipeline.store.state import State
from perf_pipeline.units import US_PER_S

_SAMPLES: Final = "duets"


@dataclass(frozen=True, slots=True)
class DuetWish:
    """Hold what will be compared, and how.

    Attributes:
        profile: a checked profile.
        sides: the baseline and the candidate.
        only: the benchmarks to run; empty for all enabled ones.
        rules: the rules of decision, over all loads together.
        length_us: the longest time that may be measured, all loads together.
        warm_up_us: the warm-up of each load.
        ready_within_s: how long a side that is started may take until it answers.
        on_undecided: the outcome of an undecided comparison.
    """

    profile: Profile
    sides: tuple[Side, Side]
    only: tuple[str, ...]
    rules: DuetRules
    length_us: int
    warm_up_us: int
    ready_within_s: float
    on_undecided: OnUndecided


def wish_of(profile: Profile, asked: DuetConfig, only: Sequence[str] = ()) -> DuetWish:
    """Return what will be compared, from what was written.

    Raises:
        RequestError: a side is not named, or is not valid.
        ProfileError: the profile's load workers are on other hosts.
    """
    if profile.fleet is not None:
        raise ProfileError(
            profile.name,
            ["a duet has its load workers on this machine, and the profile has a [fleet]"],
            hint="leave [fleet] out of the profile of a duet",
        )
    baseline, candidate = (
        read_side(name, text, command=asked.command, prepare=asked.prepare)
        for name, text in zip(SIDES, (asked.baseline, asked.candidate), strict=True)
    )
    return DuetWish(
        profile=profile,
        sides=(baseline, candidate),
        only=tuple(only),
        rules=DuetRules(margin=asked.margin),
        length_us=asked.within_us,
        warm_up_us=asked.warm_up_us,
        ready_within_s=asked.ready_within_us / US_PER_S,
        on_undecided=asked.on_undecided,
    )


def run_duet(
    wish: DuetWish, *, state: State, narrator: Narrator, stop: threading.Event
) -> DuetRecord:
    """Compare two sides, and return the result; nothing that was started is left running.

    Raises:
        ProfileError: a benchmark loads a part other than the sides; nothing was sent.
        RequestError: the sides are different parts of a system.
        TargetNotAllowedError: a side is on a host that may not be loaded; nothing was sent.
        TargetUnavailableError: a side does not answer, or a fault of an earlier load is not undone.
        StackError: a side could not be started.
        StoppedByUserError: stopped before anything was measured.
    """
    names = chosen(wish.profile, wish.only)
    part = part_of(wish.sides)
    is_ours = all(isinstance(side, ReferenceSide) for side in wish.sides)
    loads = duet_loads(
        wish.profile, names, wish.length_us, wish.warm_up_us, part, has_own_users=is_ours
    )
    wanted = SidesWanted(wish.profile, wish.sides, loads, wish.ready_within_s)
    given = wanted.given()
    require_space(state.folder)
    what = f"the duet of profile {wish.profile.name}"
    with alone(lock_folders(state.folder, os.environ), what, narrator.say, stop) as has_waited:
        require_history(state, has_waited=has_waited)
        require_undone(state, narrator.say)
        shutil.rmtree(state.folder / _SAMPLES, ignore_errors=True)  # of a killed one
        with wanted.up(given, state, narrator, stop) as sides:
            record = _Sides(wish, sides, state, narrator, stop).compared(loads)
        publish_duet(state, record)
        return record


@dataclass(frozen=True, slots=True)
class _Sides:
    """Hold two running sides, and the narrator."""

    wish: DuetWish
    sides: tuple[SideUp, SideUp]
    state: State
    narrator: Narrator
    stop: threading.Event

    def compared(self, loads: Sequence[DuetLoad]) -> DuetRecord:
        """Run the loads, and return the result."""
        wish, began_at = self.wish, datetime.now(UTC)
        run_id = new_run_id(began_at)
        self.narrator.say(f"duet {run_id}: {self.told(1)} against {self.told(0)}")
        with worker_template(workload_modules(wish.profile, wish.only)) as start_worker:
            sides = tuple(self._session(n, run_id, began_at, start_worker) for n in range(2))
            rules = replace(wish.rules, alpha=wish.rules.alpha / len(loads))
            records = list(
                self._each(
                    DuetSession((sides[0], sides[1]), rules, self._topics, self._groups), loads
                )
            )
        return DuetRecord(
            run_id=run_id,
            profile=wish.profile.name,
            seed=wish.profile.seed,
            began_at=began_at.isoformat(),
            sides=(self.told(0), self.told(1)),
            rules=wish.rules,
            limit_s=wish.length_us / US_PER_S,
            loads=tuple(records),
            planned=len(loads),
            stopped=self.stop.is_set(),
            on_undecided=wish.on_undecided,
            revisions=(self._facts(0), self._facts(1)),
        )

    def told(self, number: int) -> str:
        """Describe a side for people, without secrets."""
        return KNOWN.mask(on_one_line(mask_address(told_side(self.wish.sides[number]))))

    @property
    def _topics(self) -> tuple[str, str]:
        baseline, candidate = (side.place.topic for side in self.sides)
        return baseline, candidate

    @property
    def _groups(self) -> tuple[str, str]:
        """Return the value of `{group}` for workers that were started: the name of their topic."""
        baseline, candidate = (
            topic if isinstance(side, CommandSide) else ""
            for topic, side in zip(self._topics, self.wish.sides, strict=True)
        )
        return baseline, candidate

    def _each(self, session: DuetSession, loads: Sequence[DuetLoad]) -> Iterator[DuetLoadRecord]:
        """Run one load after the other until one of them can't be measured."""
        folder = self.state.folder / _SAMPLES / session.sides[0].run_id
        fetched = set[str]()
        try:
            if any(map(needs_users, loads)):
                seed_users_of_both(session.sides)
            for load in loads:
                if self.stop.is_set():
                    return
                place = folder / f"{load.benchmark}-{load.step}"
                place.mkdir(parents=True)
                if load.benchmark not in fetched:
                    fetched.add(load.benchmark)
                    fetch_rows_of_both(session.sides, load.benchmark)
                found = measure_duet(session, load, place)
                yield found
                if found.limits:
                    return
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _session(
        self, number: int, run_id: str, began_at: datetime, start_worker: StartWorker
    ) -> Session:
        return Session(
            run_id=run_id,
            profile=self.wish.profile,
            target=self.sides[number].target,
            services=(),
            notices=(),
            environment={},
            state=State(self.state.folder / _SAMPLES / run_id),
            trigger="duet",
            began_at=began_at,
            narrator=self.narrator,
            stop=self.stop,
            start_worker=start_worker,
        )

    def _facts(self, number: int) -> Mapping[str, str]:
        """Return what is known about a side's version."""
        side = self.sides[number]
        facts = dict(side.facts)
        with suppress(TargetUnavailableError):
            version = told_version(self.wish.profile, side.target, os.environ)
            facts |= {"version": version} if version else {}
        return facts
