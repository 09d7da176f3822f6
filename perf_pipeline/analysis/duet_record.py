"""Hold what is kept of a comparison of two sides, for the history and for every form of its report.

Add here: a fact that a reader of a stored comparison needs. Keep out: words and layout (report/).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from perf_pipeline.analysis.duet_verdict import (
    WORSE,
    DuetFinding,
    DuetRules,
    DuetVerdict,
    gravest,
)
from perf_pipeline.errors import ExitCode

OnUndecided = Literal["fail", "pass"]
SIDES: Final = ("baseline", "candidate")
"""The names of the sides, in the order of every pair of values."""


@dataclass(frozen=True, slots=True)
class DuetLoadRecord:
    """Hold how one load went.

    Attributes:
        benchmark: its name.
        step: number of the load step.
        finding: how the sides compare.
        measured_s: how long both were measured.
        dropped: starts that found no free VU, of the baseline and of the candidate.
        limits: why nothing can be said of it: the generator was the limit, or a side was gone.
        problems: what a reader must know beside it.
        pauses: how the load generator was late or held up. That blurs the times of both sides
            alike: it can hide a difference but not make one. So only SLOWER and FAILS MORE still
                count.
    """

    benchmark: str
    step: int
    finding: DuetFinding
    measured_s: float
    dropped: tuple[int, int] = (0, 0)
    limits: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    pauses: tuple[str, ...] = ()

    @property
    def verdict(self) -> DuetVerdict:
        """Return NOT_MEASURED where something was the limit, else what was found."""
        found = self.finding.verdict
        is_hidden = bool(self.pauses) and found not in WORSE
        return DuetVerdict.NOT_MEASURED if self.limits or is_hidden else found


@dataclass(frozen=True, slots=True)
class DuetRecord:
    """Hold a comparison of two sides.

    Attributes:
        run_id: its id.
        profile: name of the profile.
        seed: the seed of the order in which the sides took turns.
        began_at: UTC, ISO 8601.
        sides: what each side is, as it was given, without secrets.
        revisions: what is known of the version of each side.
        rules: what decides.
        limit_s: how long was to be measured at most.
        loads: those that were run.
        planned: how many loads there were to be.
        stopped: the user ended it.
        on_undecided: what it ends with when nothing is decided.
    """

    run_id: str
    profile: str
    seed: int
    began_at: str
    sides: tuple[str, str]
    rules: DuetRules
    limit_s: float
    loads: tuple[DuetLoadRecord, ...] = ()
    planned: int = 1
    stopped: bool = False
    on_undecided: OnUndecided = "fail"
    revisions: tuple[Mapping[str, str], Mapping[str, str]] = field(default=({}, {}))

    @property
    def verdict(self) -> DuetVerdict:
        """Return the worst verdict of all loads; FASTER if one is and the rest are EQUIVALENT."""
        found = [load.verdict for load in self.loads]
        if len(found) < self.planned and not WORSE & set(found):
            return DuetVerdict.NOT_MEASURED
        return gravest(found)

    @property
    def told_verdict(self) -> str:
        """Return the verdict as it is shown and stored; STOPPED where the user ended it."""
        return "STOPPED" if self.stopped else str(self.verdict)

    @property
    def measured_s(self) -> float:
        """Return for how long both sides were measured in all loads together."""
        return sum(load.measured_s for load in self.loads)

    @property
    def is_not_slower(self) -> bool:
        """Say whether the candidate is shown not to be slower in anything."""
        whole = len(self.loads) == self.planned
        return whole and all(
            load.finding.is_not_slower and not (load.limits or load.pauses) for load in self.loads
        )

    @property
    def exit_code(self) -> ExitCode:
        """Return how the command ends: 98 when the candidate is slower, or fails more.

        A comparison that could not tell is no proof, so it ends with 97, unless it is shown at
        least that the candidate is not slower, or the caller takes it as a pass.
        """
        if self.stopped:
            return ExitCode.STOPPED
        verdict = self.verdict
        if verdict in WORSE:
            return ExitCode.REGRESSED
        if verdict is DuetVerdict.NOT_MEASURED:
            return ExitCode.NOT_MEASURED
        passes = self.on_undecided == "pass" or self.is_not_slower
        if verdict is DuetVerdict.UNDECIDED and not passes:
            return ExitCode.NOT_MEASURED
        return ExitCode.OK
