"""Load two sides at the same time with the same requests, in turns, until it is decided.

Both sides are loaded by the same worker processes, so that they share the generator's delays.
Add here: another reason to end such a load. Keep out: verdicts (analysis/duet.py), starting sides
(stack/sides.py), storing (judging/).
"""

import threading
import time
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from perf_pipeline.analysis.duet import judge_duet, withheld
from perf_pipeline.analysis.duet_deliveries import doubted, with_deliveries
from perf_pipeline.analysis.duet_record import SIDES, DuetLoadRecord
from perf_pipeline.analysis.duet_verdict import DuetFinding, DuetRules
from perf_pipeline.analysis.exact import LEAST_POINTS
from perf_pipeline.analysis.looks import Look, planned_looks
from perf_pipeline.config.duet_loads import DuetLoad, at_topic, is_paced
from perf_pipeline.engine.job import LoadJob, LoadOutcome, ScenarioJob, secrets_of_sides
from perf_pipeline.engine.processes import run_load
from perf_pipeline.engine.progress import Progress
from perf_pipeline.errors import GeneratorLimitError, TargetUnavailableError
from perf_pipeline.loading.followed_sides import FollowedSides, following, is_followed
from perf_pipeline.loading.jobs import load_job, secrets_of
from perf_pipeline.loading.progress import Either, Streak, answered, cause_of
from perf_pipeline.loading.progress_line import line_of
from perf_pipeline.loading.session import Session
from perf_pipeline.secrecy.known import KNOWN
from perf_pipeline.store.duet_samples import (
    before_promises,
    is_of_side,
    name_of_side,
    read_sides,
)
from perf_pipeline.units import US_PER_S

_SETTLED_S: Final = 2.0
"""After so long nearly all requests have ended; the last word is spoken when all have."""


@dataclass(frozen=True, slots=True)
class DuetSession:
    """Hold what the loads of a comparison have in common.

    Attributes:
        sides: a session for each side; they differ in their targets.
        rules: the rules that decide, for each load.
        topics: the topics of each side's messages, if they are not those that the profile names.
        groups: the groups that each side's workers were told; empty if somebody else started them.
    """

    sides: tuple[Session, Session]
    rules: DuetRules
    topics: tuple[str, str] = ("", "")
    groups: tuple[str, str] = ("", "")

    @property
    def stop(self) -> threading.Event:
        """Return the event that ends the comparison early, which both sides share."""
        return self.sides[0].stop


def measure_duet(session: DuetSession, load: DuetLoad, folder: Path) -> DuetLoadRecord:
    """Run one load until the verdict is known, its time is over or the user stops it.

    If a side does not answer, or the generator was the limit, there is nothing to judge; the record
    says so.

    Args:
        session: the session of the comparison.
        load: the load that both sides get.
        folder: the existing folder that samples go to.
    """
    sides = tuple(
        replace(side, profile=at_topic(load.profile, topic), planned=(load.benchmark,))
        for side, topic in zip(session.sides, session.topics, strict=True)
    )
    watch = _Watch(DuetSession((sides[0], sides[1]), session.rules), load, folder)
    origin_ns = time.monotonic_ns()
    with following(sides, load.benchmark, folder, origin_ns, session.groups) as collect:
        try:
            outcome = run_load(
                _job_of_both(sides, load, folder),
                secrets=secrets_of_sides([secrets_of(side) for side in sides]),
                origin_ns=origin_ns,
                stop=watch.stop,
                on_progress=watch.on_progress,
                start=sides[0].start_worker,
            )
            if collect is not None and not watch.stop.is_set():
                session.sides[0].say(f"{load.benchmark}: waiting for deliveries")
                watch.followed = collect()
        except (TargetUnavailableError, GeneratorLimitError) as error:
            limits = (KNOWN.mask(error.sentence),)
            return DuetLoadRecord(load.benchmark, load.step, DuetFinding(), 0.0, limits=limits)
    return _record(watch, load, outcome)


def _job_of_both(sides: tuple[Session, ...], load: DuetLoad, folder: Path) -> LoadJob:
    """Return one job with the scenarios of both sides, which take turns in the same plans."""
    jobs = [load_job(side, load.benchmark, load.step, folder) for side in sides]
    pairs = zip(*(job.scenarios for job in jobs), strict=True)
    has_ids = load.profile.benchmarks[load.benchmark].deliveries is not None
    both = (
        _of_side(scenario, side, has_ids=has_ids)
        for pair in pairs
        for side, scenario in enumerate(pair)
    )
    return replace(jobs[0], scenarios=tuple(both))


def _of_side(scenario: ScenarioJob, side: int, *, has_ids: bool) -> ScenarioJob:
    """Return a scenario for one side; ids that are followed differ between sides by `${run}`."""
    given = scenario.parameters
    return replace(
        scenario,
        name=name_of_side(scenario.name, side),
        side=side,
        draws_as=scenario.name,
        parameters={**given, "run": _run_of_side(str(given["run"]), side)} if has_ids else given,
    )


def _run_of_side(run: str, side: int) -> str:
    """Name a run so that the ids of the sides differ: `${run}` gets a letter."""
    run_id, slash, benchmark = run.partition("/")
    return f"{run_id}{'ab'[side]}{slash}{benchmark}"


class _Watch:
    """Judge a load whenever a look is due, and notice if a side is gone.

    Attributes:
        stop: the event that ends the load.
        gone: why a side can't be measured; empty as long as both answer.
        decided_at: the look that found the verdict; None as long as none did.
        followed: what happened to the messages; set when the load is over.
        moved: a sentence if workers came or went, or nobody could see whether they did; set by
            judging, otherwise empty.
    """

    def __init__(self, session: DuetSession, load: DuetLoad, folder: Path) -> None:
        self._session = session
        self._load = load
        self._folder = folder
        names = load.profile.benchmarks[load.benchmark].scenarios
        self._paced = {name: is_paced(names, [name]) for name in names}
        *self._looks, self._last = planned_looks(load.length_us, session.rules.alpha)
        if is_followed(session.sides, load.benchmark):
            # Messages on their way are neither late nor lost; only the end of the load shows which
            # they are.
            self._looks, self._last = [], Look(load.length_us, session.rules.alpha)
        self.followed = FollowedSides()
        self.moved = ""
        gone_s = session.sides[0].target.gone_after_us / US_PER_S
        self._silences = tuple(Streak(gone_s) for _ in SIDES)
        self.stop = Either(session.stop)
        self.gone = ""
        self.decided_at: Look | None = None

    @property
    def is_stopped_by_user(self) -> bool:
        """Say whether the user ended the comparison."""
        return self._session.stop.is_set()

    def on_progress(self, progress: Progress) -> None:
        """Report progress, and end the load once it is decided or can't be decided."""
        narrator = self._session.sides[0].narrator
        narrator.progress(f"{self._load.benchmark}: {line_of(progress)}", {})
        self._look_for_silence(progress)
        measured_us = (progress.elapsed_s - _SETTLED_S) * US_PER_S - self._load.warm_up_us
        while self._looks and self._looks[0].at_us <= measured_us and not self.stop.is_set():
            look = self._looks.pop(0)
            finding = self.judged(look)
            told = f"after {look.at_us / US_PER_S:.0f} s: {finding.verdict}"
            if finding.is_decided:
                self.decided_at = look
                self.stop.set()
                told += ", so the load ends"
            self._session.sides[0].say(f"{self._load.benchmark}: {told}")

    def _look_for_silence(self, progress: Progress) -> None:
        for number, silence in enumerate(self._silences):
            ours = [
                scenario for scenario in progress.scenarios if is_of_side(scenario.name, number)
            ]
            ways = sum((Counter(scenario.ways) for scenario in ours), Counter())
            silence.look(
                progress.elapsed_s, sum(scenario.ok for scenario in ours) + answered(ways), ways
            )
            if silence.is_lasting and not self.gone:
                self.gone = (
                    f"{silence} of the {SIDES[number]} failed: {cause_of(silence.ways)}, so the "
                    "load was ended"
                )
                self.stop.set()

    def judged(self, look: Look | None = None) -> DuetFinding:
        """Judge what was measured until a look: the one that decided, or the last one."""
        chosen = look or self.decided_at or self._last
        read = read_sides(self._folder, str(self._load.step), self._paced)
        if not read:
            return DuetFinding()
        from_us = min(samples.from_us for samples in read)
        deliveries = self.followed.deliveries
        if deliveries is not None:
            before = before_promises(self._folder, str(self._load.step))
            sides = (deliveries.baseline, deliveries.candidate)
            until_us = max(from_us + chosen.at_us, *(side.last_us for side in sides))
            self.moved = self.followed.workers.doubt(from_us, until_us)
            deliveries = replace(deliveries, before=before, moved=self.moved)
            read = with_deliveries(read, deliveries)
        cut = [samples.within(from_us, from_us + chosen.at_us) for samples in read]
        finding = judge_duet(cut, replace(self._session.rules, alpha=chosen.alpha))
        return finding if deliveries is None else doubted(finding, deliveries)

    @property
    def measured_s(self) -> float:
        """Return how long both sides were measured until the verdict."""
        return (self.decided_at or self._last).at_us / US_PER_S


def _record(watch: _Watch, load: DuetLoad, outcome: LoadOutcome) -> DuetLoadRecord:
    limits = [watch.gone] if watch.gone else []
    pauses = outcome.health.pauses
    limits += [reason for reason in outcome.health.reasons if reason not in pauses]
    limits += watch.followed.limits
    dropped = _dropped(outcome)
    is_cut_off = watch.is_stopped_by_user or bool(watch.gone)
    finding = DuetFinding() if is_cut_off else watch.judged()
    if lost := _lost_starts(dropped, outcome):
        finding = withheld(finding, lost)
    problems = [*outcome.health.notes, *watch.followed.problems]
    if watch.moved and watch.moved not in {operation.reason for operation in finding.operations}:
        problems.append(watch.moved)
    return DuetLoadRecord(
        benchmark=load.benchmark,
        step=load.step,
        finding=finding,
        measured_s=0.0 if is_cut_off else watch.measured_s,
        dropped=dropped,
        limits=tuple(map(KNOWN.mask, limits)),
        problems=tuple(map(KNOWN.mask, problems)),
        pauses=tuple(map(KNOWN.mask, pauses)),
    )


def _dropped(outcome: LoadOutcome) -> tuple[int, int]:
    old, new = (
        sum(
            scenario.measured_dropped_iterations
            for scenario in outcome.scenarios
            if is_of_side(scenario.name, side)
        )
        for side in range(len(SIDES))
    )
    return old, new


def _lost_starts(dropped: tuple[int, int], outcome: LoadOutcome) -> str:
    """Say if the candidate was so slow that more starts found no free VU; empty otherwise."""
    begun = sum(scenario.measured_iterations for scenario in outcome.scenarios) / len(SIDES)
    more = dropped[1] - dropped[0]
    if more <= LEAST_POINTS * max(1.0, begun):
        return ""
    return f"{more:,} more starts of the candidate found no free VU, so its times lack the slowest"
