"""One search for a capacity under way: its windows, its light loads, and what ended it early.

The rates come from analysis/capacity/search.py, and a window's verdict from verdict.py.

Add here: what happens between the windows of a search. Keep out: what is kept of its answer
(capacity.py, scaling.py), one window (windows.py), and when a target has recovered (recovery.py).
"""

from collections.abc import Sequence
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
from perf_pipeline.loading.benchmark_folder import write_whole
from perf_pipeline.loading.needs import in_one_sentence
from perf_pipeline.loading.session import Session
from perf_pipeline.metrics.capacity_window import CAPACITY_WINDOW_COLUMNS, CapacityWindow
from perf_pipeline.probes.track import csv_lines
from perf_pipeline.report.capacity_texts import window_sentence
from perf_pipeline.runs.recovery import Band, await_recovery, band_before
from perf_pipeline.runs.window_facts import facts_of, row_of
from perf_pipeline.runs.windows import JudgedWindow, load_window
from perf_pipeline.store.spool_kinds import CAPACITY_FILE
from perf_pipeline.units import US_PER_S, format_duration

LIGHT_SHARE = 0.1
LIGHT_US = 2 * US_PER_S
STOPPED = "the user stopped it"


@dataclass(slots=True)
class SearchUnderWay:
    """Keep the state of a search under way.

    Attributes:
        session: the run.
        benchmark: the benchmark that asks for the search.
        folder: the folder of the benchmark in the spool.
        wanted: the profile's settings of the search.
        label: begins the names of its loads, so that no two of a run share one.
        before: windows of earlier searches of this benchmark in this run.
        windows: the windows that were loaded.
        lights: the number of light loads so far.
        ended: the reason why the search ended early; empty if it did not.
        is_generators: True if the load generator ended it.
    """

    session: Session
    benchmark: str
    folder: Path
    wanted: CapacitySearch
    label: str = ""
    before: Sequence[CapacityWindow] = ()
    windows: list[CapacityWindow] = field(default_factory=list)
    lights: int = 0
    ended: str = ""
    is_generators: bool = False

    @property
    def profile(self) -> Profile:
        """Return the profile of the run."""
        return self.session.profile

    @property
    def next_number(self) -> int:
        """Return the number of the next window."""
        return len(self.before) + len(self.windows) + 1

    def is_over(self) -> bool:
        """Say whether something ended the search early."""
        return bool(self.ended)


def searched(searching: SearchUnderWay) -> Capacity:
    """Load windows until there is an answer, or something ends the search.

    Raises:
        TargetUnavailableError: a part of the target is absent before the first window.
    """
    try:
        return _walked(searching)
    except GeneratorLimitError as error:
        searching.ended, searching.is_generators = error.sentence, True
        return cut_short(searching.windows)


def is_generators_limit(answer: Capacity) -> bool:
    """Say whether a rate holds, and the load generator was the limit above it."""
    is_open = answer.kind is CapacityKind.AT_LEAST
    return is_open and any(tried.shown is Shown.INVALID for tried in answer.tried)


def _walked(searching: SearchUnderWay) -> Capacity:
    plan = plan_of(searching.profile, searching.wanted)
    asked = search(plan)
    light_per_s = max(plan.lowest, plan.hint * LIGHT_SHARE)
    stop = searching.session.stop
    band = band_before(lambda: _light(searching, light_per_s), stop.is_set)
    if band is None:
        searching.ended = STOPPED
        return cut_short(())
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


def _tried(searching: SearchUnderWay, trial: Trial) -> Shown:
    """Load the window that the search asks for, and keep its row."""
    try:
        length = _length_s(searching, trial.rate)
        window = _load(searching, f"{searching.label}w{searching.next_number}", trial.rate, length)
    except TargetUnavailableError as error:
        searching.ended = in_one_sentence(error)
        return Shown.INVALID
    if window.outcome.status == "stopped" or searching.session.stop.is_set():
        searching.ended = STOPPED
        return Shown.INVALID
    verdict = verdict_of(facts_of(window, trial.rate, length))
    row = row_of(searching.next_number, trial, length, window, verdict)
    searching.windows.append(row)
    _write_rows(searching)
    searching.session.say(f"{searching.benchmark}: {window_sentence(row)}")
    return verdict.shown


def _load(searching: SearchUnderWay, label: str, rate: float, length: float) -> JudgedWindow:
    wanted = searching.wanted
    length_us = round(length * US_PER_S)
    profile = at_rate(searching.profile, wanted.of, wanted.scenarios, rate, length_us=length_us)
    return load_window(searching.session, searching.benchmark, label, profile)


def _light(searching: SearchUnderWay, rate: float) -> JudgedWindow:
    searching.lights += 1
    length_us = min(LIGHT_US, searching.wanted.window_us or LIGHT_US)
    label = f"{searching.label}l{searching.lights}"
    return _load(searching, label, rate, length_us / US_PER_S)


def _recover(searching: SearchUnderWay, band: Band, rate: float) -> None:
    """Wait until the target has recovered; end the search if it does not recover in time."""
    session, limit_us = searching.session, searching.wanted.recovery_us
    missing = await_recovery(
        band, lambda: _light(searching, rate), limit_us / US_PER_S, session.stop.is_set
    )
    if session.stop.is_set():
        searching.ended = STOPPED
    elif missing:
        last = searching.windows[-1]
        searching.ended = (
            f"the target did not recover within {format_duration(limit_us)} (recovery) after "
            f"window {last.number}: {missing}"
        )


def _length_s(searching: SearchUnderWay, rate: float) -> float:
    if searching.wanted.window_us is not None:
        return searching.wanted.window_us / US_PER_S
    thresholds = searching.profile.benchmarks[searching.wanted.of].all_thresholds()
    return window_s(filter(counts, thresholds), rate)


def _write_rows(searching: SearchUnderWay) -> None:
    """Write all rows again: a file that is read is whole, also one of a run that was killed."""
    rows = csv_lines(
        [CAPACITY_WINDOW_COLUMNS, *map(astuple, (*searching.before, *searching.windows))]
    )
    write_whole(searching.folder / CAPACITY_FILE, rows)
