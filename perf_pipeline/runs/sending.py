"""Send the figures of stored runs to the receivers of `--out`, for plots over many runs.

Add here: another choice of runs. Keep out: what is sent of a run (outputs/run_figures.py).
"""

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from perf_pipeline.config.outputs import OutConfig
from perf_pipeline.config.target import LOCAL, TargetConfig, resolve_target
from perf_pipeline.errors import StoreBusyError
from perf_pipeline.judging.reruns import TRIGGER
from perf_pipeline.loading.receivers import require_receivers
from perf_pipeline.loading.session import Session
from perf_pipeline.narration import Say
from perf_pipeline.outputs.point import Point
from perf_pipeline.outputs.receivers import receiver_of
from perf_pipeline.outputs.run_figures import run_points
from perf_pipeline.outputs.sender import MOST_WAITING, Sender
from perf_pipeline.store.state import State

_ALL: Final = 1_000_000
_END_WITHIN_S: Final = 30.0
_OF_A_RUN_WITHIN_S: Final = 3.0
_PATIENCE_S: Final = 15.0
_PAUSE_S: Final = 0.02


def send_runs(
    state: State,
    run_ids: Sequence[str],
    out: OutConfig,
    *,
    say: Say,
    target: TargetConfig | None = None,
    environment: Mapping[str, str] = os.environ,
    within_s: float = _END_WITHIN_S,
) -> bool:
    """Send the figures of runs, and say how many points came through; return whether all did.

    Benchmarks that are not valid, and re-runs, are left out.

    Args:
        state: folder of the history.
        run_ids: the ids of stored runs; all of them when empty.
        out: the receivers.
        say: receives the outcome.
        target: allows hosts.
        environment: holds tokens, and PERF_ALLOWED_HOSTS.
        within_s: for how long points that wait are sent at the end.

    Raises:
        TargetNotAllowedError: a receiver is neither on this machine nor allowed; nothing was sent.
        StoreBusyError: the history is open elsewhere.
    """
    require_receivers(out, resolve_target(LOCAL, target, environment), environment)
    senders = [
        Sender(receiver_of(kind, url, environment, 0), say) for kind, url in out.urls.items()
    ]
    for points in _points_of_runs(state, run_ids):
        for sender in senders:
            _offer(sender, points)
    for sender in senders:
        say(sender.end(within_s))
    return not any(sender.counts.lost for sender in senders)


def send_measured(session: Session | None) -> None:
    """Send the figures of a run that was just judged, where its profile says so; never fail it.

    Args:
        session: the session of the run; None when it was measured before, and is only judged again.
    """
    if session is None or not session.profile.out.urls:
        return
    profile = session.profile
    try:
        send_runs(
            session.state,
            [session.run_id],
            profile.out,
            say=lambda sentence: session.say(f"figures of the whole run: {sentence}"),
            target=profile.targets.get(profile.target),
            within_s=_OF_A_RUN_WITHIN_S,
        )
    except StoreBusyError as error:
        session.say(f"figures of the whole run were not sent: {error.sentence}")


def _points_of_runs(state: State, run_ids: Sequence[str]) -> Iterator[list[Point]]:
    with state.history() as history:
        if run_ids:
            # A receiver may refuse what is older than the last point that it took.
            runs = sorted(map(history.run, set(run_ids)), key=lambda run: run.began_at)
        else:
            runs = history.runs(_ALL)[::-1]
        for run in runs:
            if run.trigger == TRIGGER:
                continue
            spoilt = {
                outcome.benchmark
                for outcome in history.outcomes(run.run_id)
                if not outcome.valid or outcome.status in {"aborted", "stopped"}
            }
            summaries, verdicts = history.summaries(run.run_id), history.verdicts(run.run_id)
            yield list(run_points(run, summaries, verdicts, spoilt))


def _offer(sender: Sender, points: Sequence[Point]) -> None:
    """Queue points while few others wait; a receiver that takes none for a long time loses some."""
    until_s = time.monotonic() + _PATIENCE_S
    while sender.counts.waiting > MOST_WAITING // 4 and time.monotonic() < until_s:
        time.sleep(_PAUSE_S)
    sender.offer(points)
