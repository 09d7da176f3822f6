"""Search for the highest rate that a benchmark carries, window by window, and keep the answer.

The rates come from analysis/capacity/search.py, and a window's verdict from verdict.py. What is
kept are the windows' rows, and of a confirmed capacity its figures: the answer follows from them.

Add here: what happens around the windows of a search. Keep out: one window (windows.py), and when
a target has recovered (recovery.py).
"""

import math
import time
from dataclasses import astuple, dataclass, field
from pathlib import Path

from perf_pipeline.analysis.capacity.length import counts, window_s
from perf_pipeline.analysis.capacity.search import (
    Capacity,
    CapacityKind,
    Purpose,
    Shown,
    Trial,
    search,
)
from perf_pipeline.analysis.capacity.verdict import verdict_of
from perf_pipeline.config.capacity import CapacitySearch
from perf_pipeline.config.profile import Profile
from perf_pipeline.config.scaled_load import at_rate
from perf_pipeline.errors import GeneratorLimitError, TargetUnavailableError
from perf_pipeline.judging.capacities import cut_short, plan_of
from perf_pipeline.loading.benchmark_folder import fresh_folder, write_down
from perf_pipeline.loading.calibrating import calibrated
from perf_pipeline.loading.figures import write_figures
from perf_pipeline.loading.needs import in_one_sentence
from perf_pipeline.loading.session import Session
from perf_pipeline.metrics.capacity_window import CAPACITY_WINDOW_COLUMNS, CapacityWindow
from perf_pipeline.metrics.catalog import CAPACITY_PER_S
from perf_pipeline.metrics.sample import Figure
from perf_pipeline.plan.capacity import target_per_s
from perf_pipeline.probes.track import csv_lines
from perf_pipeline.report.capacity_texts import answer_sentence, window_sentence
from perf_pipeline.runs.recovery import Band, await_recovery
from perf_pipeline.runs.window_facts import facts_of, row_of
from perf_pipeline.runs.windows import JudgedWindow, load_window
from perf_pipeline.secrecy.known import KNOWN
from perf_pipeline.store.records import BenchmarkOutcome, BenchmarkStatus
from perf_pipeline.store.spool_csv import CAPACITY_FILE
from perf_pipeline.units import SECONDS_PER_DAY, US_PER_S, format_duration

LIGHT_SHARE = 0.1
LIGHT_US = 2 * US_PER_S


@dataclass(slots=True)
class _SearchUnderWay:
    """Keep what a search under way knows.

    Attributes:
        session: the run.
        benchmark: that searches.
        folder: of it in the spool.
        wanted: what its profile says.
        windows: that were loaded.
        lights: how many light loads there were.
        ended: why it ended early; empty while it has not.
        is_generators: that was the load generator.
    """

    session: Session
    benchmark: str
    folder: Path
    wanted: CapacitySearch
    windows: list[CapacityWindow] = field(default_factory=list)
    lights: int = 0
    ended: str = ""
    is_generators: bool = False

    @property
    def profile(self) -> Profile:
        """Return the profile of the run."""
        return self.session.profile

    def is_over(self) -> bool:
        """Say whether something ended the search early."""
        return bool(self.ended)


def find_capacity(session: Session, benchmark: str) -> BenchmarkOutcome:
    """Search for the capacity of the benchmark that a profile names; leave all in the spool.

    Raises:
        TargetUnavailableError: a part of the target is absent before the first window.
    """
    wanted = session.profile.benchmarks[benchmark].capacity
    assert wanted is not None, benchmark
    began_at, origin_ns = session.now(), time.monotonic_ns()
    folder = fresh_folder(session, benchmark)
    searching = _SearchUnderWay(session, benchmark, folder, wanted)
    problems = calibrated(session, folder, origin_ns, "before")
    answer = cut_short(())
    status: BenchmarkStatus = "aborted"
    try:
        answer = _searched(searching)
        status = _status(searching, answer)
        problems += calibrated(session, folder, origin_ns, "after")
        told = _told(searching, answer)
        session.say(told)
        if answer.kind is not CapacityKind.CAPACITY:
            problems.append(told)
        write_figures(folder / "figures.csv", _figures(searching, answer))
    finally:
        limits = _limits(searching, answer)
        outcome = BenchmarkOutcome(
            benchmark=benchmark,
            status=status,
            began_at=began_at.isoformat(),
            wall_s=(time.monotonic_ns() - origin_ns) / 1e9,
            measured_s=math.fsum(window.length_s for window in searching.windows),
            valid=not limits,
            invalid_reasons=tuple(map(KNOWN.mask, limits)),
            load_hash=session.profile.load_hash(benchmark),
            problems=tuple(map(KNOWN.mask, problems)),
        )
        write_down(folder, outcome)
    return outcome


def _searched(searching: _SearchUnderWay) -> Capacity:
    """Load windows until there is an answer, or something ends the search."""
    plan = plan_of(searching.profile, searching.wanted)
    asked = search(plan)
    light_per_s = max(plan.lowest, plan.hint * LIGHT_SHARE)
    band = Band.of(_light(searching, light_per_s))
    try:
        trial = next(asked)
        while True:
            shown = _tried(searching, trial)
            if searching.is_over():
                return cut_short(searching.windows)
            before, trial = trial, asked.send(shown)
            if shown is Shown.HELD or (trial == before and trial.purpose is Purpose.CONFIRM):
                continue  # what confirms a rate is loaded back to back, whatever it shows
            _recover(searching, band, light_per_s)
            if searching.is_over():
                return cut_short(searching.windows)
    except StopIteration as over:
        answer: Capacity = over.value
        return answer


def _tried(searching: _SearchUnderWay, trial: Trial) -> Shown:
    """Load the window that the search asks for, and keep its row."""
    try:
        length = _length_s(searching, trial.rate)
        window = _load(searching, f"w{len(searching.windows) + 1}", trial.rate, length)
    except TargetUnavailableError as error:
        searching.ended = in_one_sentence(error)
        return Shown.INVALID
    except GeneratorLimitError as error:
        searching.ended, searching.is_generators = error.sentence, True
        return Shown.INVALID
    if window.outcome.status == "stopped" or searching.session.stop.is_set():
        searching.ended = "the user stopped it"
        return Shown.INVALID
    verdict = verdict_of(facts_of(window, trial.rate, length))
    row = row_of(len(searching.windows) + 1, trial, length, window, verdict)
    searching.windows.append(row)
    _write_rows(searching)
    searching.session.say(f"{searching.benchmark}: {window_sentence(row)}")
    return verdict.shown


def _load(searching: _SearchUnderWay, label: str, rate: float, length: float) -> JudgedWindow:
    wanted = searching.wanted
    length_us = round(length * US_PER_S)
    profile = at_rate(searching.profile, wanted.of, wanted.scenarios, rate, length_us=length_us)
    return load_window(searching.session, searching.benchmark, label, profile)


def _light(searching: _SearchUnderWay, rate: float) -> JudgedWindow:
    searching.lights += 1
    length_us = min(LIGHT_US, searching.wanted.window_us or LIGHT_US)
    return _load(searching, f"l{searching.lights}", rate, length_us / US_PER_S)


def _recover(searching: _SearchUnderWay, band: Band, rate: float) -> None:
    """Wait until the target is as before; end the search where it does not become so in time."""
    session, limit_us = searching.session, searching.wanted.recovery_us
    missing = await_recovery(
        band, lambda: _light(searching, rate), limit_us / US_PER_S, session.stop.is_set
    )
    if session.stop.is_set():
        searching.ended = "the user stopped it"
    elif missing:
        last = searching.windows[-1]
        searching.ended = (
            f"the target did not recover within {format_duration(limit_us)} (recovery) after "
            f"window {last.number}: {missing}"
        )


def _length_s(searching: _SearchUnderWay, rate: float) -> float:
    if searching.wanted.window_us is not None:
        return searching.wanted.window_us / US_PER_S
    thresholds = searching.profile.benchmarks[searching.wanted.of].all_thresholds()
    return window_s(filter(counts, thresholds), rate)


def _write_rows(searching: _SearchUnderWay) -> None:
    """Write all rows again: a file that is read is whole."""
    rows = csv_lines([CAPACITY_WINDOW_COLUMNS, *map(astuple, searching.windows)])
    (searching.folder / CAPACITY_FILE).write_bytes(rows)


def _status(searching: _SearchUnderWay, answer: Capacity) -> BenchmarkStatus:
    if searching.session.stop.is_set():
        return "stopped"
    return "aborted" if answer.kind is CapacityKind.UNFINISHED else "complete"


def _told(searching: _SearchUnderWay, answer: Capacity) -> str:
    return answer_sentence(
        searching.wanted.of,
        answer,
        searching.windows,
        target_per_s=target_per_s(searching.profile, searching.wanted),
        ended=searching.ended,
    )


def _figures(searching: _SearchUnderWay, answer: Capacity) -> list[Figure]:
    """Return the figures of a confirmed capacity, 0 where no rate holds, and else none at all."""
    if answer.kind is CapacityKind.NOTHING:
        return [Figure(CAPACITY_PER_S, 0.0), Figure("capacity_per_day", 0.0)]
    if answer.kind is not CapacityKind.CAPACITY or answer.rate is None:
        return []
    figures = [
        Figure(CAPACITY_PER_S, answer.rate),
        Figure("capacity_per_day", answer.rate * SECONDS_PER_DAY),
    ]
    target = target_per_s(searching.profile, searching.wanted)
    if target is not None:
        figures.append(Figure("capacity_headroom_ratio", answer.rate / target))
    return figures


def _limits(searching: _SearchUnderWay, answer: Capacity) -> list[str]:
    """Say why the load generator was the limit, where it was."""
    if searching.is_generators:
        return [searching.ended]
    if answer.kind is not CapacityKind.AT_LEAST:
        return []
    is_limit = any(tried.shown is Shown.INVALID for tried in answer.tried)
    return [_told(searching, answer)] if is_limit else []
