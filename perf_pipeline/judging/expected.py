"""Compare the plan of a run with what the history has; the rest was not measured.

A run's plan is recorded before it starts (in run.json, and in the history as soon as that is free).
Runs of older versions have no such plan; it is then derived from the history and the spool.
Add here: another way in which a planned benchmark can be missing. Keep out: judging existing
measurements (judge.py).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from perf_pipeline.config.profile import Profile
from perf_pipeline.errors import ProfileError
from perf_pipeline.metrics.threshold import Status, Threshold, Verdict
from perf_pipeline.quoting import first_few
from perf_pipeline.report.model import BenchmarkReport, BenchmarkStatus
from perf_pipeline.store.history import History
from perf_pipeline.store.state import State

NOT_RUN: Final = "the benchmark did not run"
NOT_STORED: Final = "its measurements are in the spool, but not yet in the history"
_MOST_NAMES: Final = 4
_TAKE_UP: Final = "{}: `perf-pipeline ingest {}` stores it"


@dataclass(frozen=True, slots=True)
class Missing:
    """Describe a planned benchmark of which the history has nothing, and why.

    Attributes:
        benchmark: the name of the benchmark.
        in_spool: whether it began, and its files wait in the spool.
        remedy: what to do; empty if nothing was measured.
    """

    benchmark: str
    in_spool: bool = False
    remedy: str = ""

    @property
    def reason(self) -> str:
        """Say why nothing is known about it."""
        return NOT_STORED if self.in_spool else NOT_RUN

    def verdicts(self, thresholds: Iterable[Threshold]) -> list[Verdict]:
        """Return a NO_DATA verdict for each threshold."""
        return [Verdict(threshold, None, Status.NO_DATA, self.reason) for threshold in thresholds]

    def report(self, thresholds: Iterable[Threshold]) -> BenchmarkReport:
        """Return its entry in the report, so that every form shows it."""
        return BenchmarkReport(
            name=self.benchmark,
            status=BenchmarkStatus.NOT_STORED if self.in_spool else BenchmarkStatus.NOT_RUN,
            wall_s=0.0,
            measured_s=0.0,
            verdicts=tuple(self.verdicts(thresholds)),
            problems=(self.remedy,) if self.remedy else (),
        )


def selected_in(profile: Profile, names: Sequence[str]) -> list[str]:
    """Return the selected benchmarks that a profile runs, in the order of running.

    Raises:
        ProfileError: all selected benchmarks are left out, so there would be nothing to do.
    """
    found = [name for name in profile.enabled_names if name in names]
    if names and not found:
        problems = [why_left_out(profile, name) for name in names]
        raise ProfileError(profile.name, problems, hint="a run that measures nothing can't pass")
    return found


def why_left_out(profile: Profile, benchmark: str) -> str:
    """Say why a profile does not run a benchmark; empty if it does."""
    if benchmark in profile.enabled_names:
        return ""
    if benchmark in profile.benchmarks:
        how = f"benchmarks.{benchmark}.enabled = true runs it"
        return f"{benchmark} is switched off in profile {profile.name}, so no load was sent; {how}"
    return f"profile {profile.name} has no benchmark {benchmark}, so no load was sent"


def in_plan_order(planned: Sequence[str], others: Iterable[str]) -> list[str]:
    """Return the planned names in their order, then the other names in theirs."""
    return list(dict.fromkeys((*planned, *others)))


def missing_of(
    history: History, state: State, run_id: str, *, also: Iterable[str] = ()
) -> dict[str, Missing]:
    """Return by name the benchmarks that a run planned or began, but that the history lacks.

    Args:
        history: the open history.
        state: folder of the spool.
        run_id: the id of a run in the history.
        also: more benchmarks that it is known to have planned.

    Raises:
        RequestError: there is no such run.
    """
    planned = history.run(run_id).planned or ()
    spooled = state.spooled_benchmarks(run_id)
    stored = {outcome.benchmark for outcome in history.outcomes(run_id)}
    names = in_plan_order(planned, (*also, *spooled))
    return {name: _missing(run_id, name, spooled) for name in names if name not in stored}


def _missing(run_id: str, name: str, spooled: Sequence[str]) -> Missing:
    if name not in spooled:
        return Missing(name)
    return Missing(name, in_spool=True, remedy=_TAKE_UP.format(NOT_STORED, run_id))


def extent_of(history: History, run_id: str, profile: Profile, *, what_if: bool) -> list[str]:
    """Say which parts of a profile a run was not asked to do and so did not judge.

    Raises:
        RequestError: there is no such run.
    """
    planned = history.run(run_id).planned
    if planned is None:
        return []
    left_out = [name for name in profile.enabled_names if name not in planned]
    if not left_out:
        return []
    whose = f"profile {profile.name}, which judges it here," if what_if else "its profile"
    did, others = first_few(planned, _MOST_NAMES), first_few(left_out, _MOST_NAMES)
    told = f"this run was asked to do only {did}; {whose} also has {others}"
    return [f"{told}, about which this report says nothing"]
