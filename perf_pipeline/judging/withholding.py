"""What the gate did not decide about a run, because the environment changed, and for how long.

Add here: another fact about a gate that is withheld. Keep out: when it is withheld
(analysis/environment.py), and the sentence (report/why.py).
"""

from collections.abc import Sequence

from perf_pipeline.analysis.baseline import Diff, DiffStatus
from perf_pipeline.config.profile import OnEnvironmentChanged
from perf_pipeline.report.model import Withheld
from perf_pipeline.store.baselines import withheld_before
from perf_pipeline.store.history import History

_NOT_COMPARED = frozenset({DiffStatus.NO_DATA, DiffStatus.INVALID, DiffStatus.LEARNING})


def withheld_of(
    history: History,
    run_id: str,
    diffs: Sequence[tuple[str, Diff]],
    on_change: OnEnvironmentChanged,
) -> Withheld | None:
    """Give what the gate did not decide; None where it decided everything.

    Args:
        history: open.
        run_id: the run.
        diffs: of the run, as (benchmark, diff).
        on_change: what a withheld gate does to the run.
    """
    held = [one for _, one in diffs if one.status is DiffStatus.ENVIRONMENT_CHANGED]
    if not held:
        return None
    before = withheld_before(history, run_id)
    return Withheld(
        series=len(held),
        compared=sum(one.status not in _NOT_COMPARED for _, one in diffs),
        reasons=tuple(dict.fromkeys(one.reason for one in held)),
        since=before[-1] if before else run_id,
        in_a_row=len(before) + 1,
        fails=on_change == "fail",
    )
