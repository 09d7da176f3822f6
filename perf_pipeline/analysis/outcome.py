"""How a run ended, as an exit code for the shell (docs/exit-codes.md).

Add here: another kind of judgement that decides over success. Keep out: wording (report/).
"""

from collections.abc import Iterable
from typing import Final

from perf_pipeline.analysis.baseline import DiffStatus
from perf_pipeline.errors import ExitCode
from perf_pipeline.metrics.threshold import Status

UNJUDGED: Final = frozenset({Status.NO_DATA, Status.INVALID})
"""The verdicts that say nothing about the target."""


def exit_code(
    verdicts: Iterable[Status],
    diffs: Iterable[DiffStatus] = (),
    *,
    measured: bool = True,
    withheld: bool = False,
    stopped: bool = False,
) -> ExitCode:
    """Return the exit code of a run.

    The first of these decides: the user stopped the run, a FAIL, a REGRESSED, something that could
    not be measured, OK. WARN, SUSPECT and a diff without data don't fail a run. A stopped run only
    says that it was stopped, as k6 does, because it measured only a part of what was planned.

    Args:
        verdicts: verdicts on all thresholds.
        diffs: diffs of all compared series.
        measured: False when a benchmark was invalid or never ran.
        withheld: the gate could not tell the machine from the system, and that is to fail the run.
        stopped: the user ended the run.
    """
    statuses = frozenset(verdicts)
    if stopped:
        return ExitCode.STOPPED
    if Status.FAIL in statuses:
        return ExitCode.THRESHOLD_FAILED
    if DiffStatus.REGRESSED in frozenset(diffs):
        return ExitCode.REGRESSED
    if statuses & UNJUDGED or not measured or withheld:
        return ExitCode.NOT_MEASURED
    return ExitCode.OK
