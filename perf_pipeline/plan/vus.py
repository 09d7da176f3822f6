"""Work out how many VUs the closed model runs over time: planned, and reserved for finishing.

Add here: another way in which the number of VUs changes. Keep out: open-model starts (arrivals.py)
and the VUs themselves (engine/vus.py).
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from perf_pipeline.config.executors.kinds import LoopingVUs, VuLine
from perf_pipeline.config.executors.stages import Stage


@dataclass(frozen=True, slots=True)
class VuStep:
    """Say how many VUs there are from a certain moment on.

    Attributes:
        at_us: µs after the scenario's start.
        vus: VUs 1..vus run; VUs with higher numbers do not.
    """

    at_us: int
    vus: int


def vu_steps(executor: LoopingVUs) -> list[VuStep]:
    """Return the planned number of VUs over time; the last step is 0 at the planned end.

    Source: k6's raw execution steps (lib/executor/ramping_vus.go): on the way up, VU v starts
    when the line reaches v; on the way down, it stops when the line reaches v - 1.
    """
    steps = _changes(_line(executor.planned_vus))
    if steps[-1].vus:
        steps.append(VuStep(executor.length_us, 0))
    return steps


def reserved_steps(executor: LoopingVUs) -> list[VuStep]:
    """Return how many VUs may still run an iteration over time; VUs above that number are cut.

    It is the most VUs that were planned during the last `gracefulRampDown` µs, because a VU that is
    ramped down has so long to finish. At the end, `gracefulStop` may cut this short.
    """
    end_us = executor.length_us + executor.graceful_stop_us
    line = executor.planned_vus
    steps = _changes(_line(line))
    if line.ramp_down_us:
        most = _sliding_most(steps, line.ramp_down_us)
        # Only falling steps can lie at or after the end; the final drop to 0 replaces them all.
        steps = [step for n, step in enumerate(most) if step.at_us < end_us or _rises(most, n)]
    if steps[-1].vus:
        steps.append(VuStep(end_us, 0))
    return steps


def _rises(steps: list[VuStep], n: int) -> bool:
    return n == 0 or steps[n].vus > steps[n - 1].vus


def _line(line: VuLine) -> Iterator[VuStep]:
    yield VuStep(0, line.start)
    vus, began_us = line.start, 0
    for stage in line.stages:
        yield from _stage_steps(vus, began_us, stage)
        vus = stage.target
        began_us += stage.duration_us


def _stage_steps(vus: int, began_us: int, stage: Stage) -> Iterator[VuStep]:
    change = stage.target - vus
    if not stage.duration_us:
        yield VuStep(began_us, stage.target)
        return
    sign = 1 if change > 0 else -1
    for step in range(1, abs(change) + 1):
        offset_us = -(-stage.duration_us * step // abs(change))  # rounded up, so never early
        yield VuStep(began_us + offset_us, vus + sign * step)


def _changes(steps: Iterator[VuStep]) -> list[VuStep]:
    kept: list[VuStep] = []
    for step in steps:
        if not kept or kept[-1].vus != step.vus:
            kept.append(step)
    return kept


def _sliding_most(planned: list[VuStep], width_us: int) -> list[VuStep]:
    """Return max(planned over [t - width, t]) as steps of t."""
    moments = sorted({step.at_us for step in planned} | {s.at_us + width_us for s in planned})
    window: deque[tuple[int, int]] = deque()  # (until when it counts, vus), vus descending
    ends = [*(step.at_us for step in planned[1:]), None]
    waiting = deque(zip(planned, ends, strict=True))
    kept = [planned[0]]
    for at_us in moments:
        while waiting and waiting[0][0].at_us <= at_us:
            step, end_us = waiting.popleft()
            while window and window[-1][1] <= step.vus:
                window.pop()
            window.append((_counts_until(end_us, width_us), step.vus))
            if window[0][1] > kept[-1].vus:  # as in k6, there may be two rises at one moment
                kept.append(VuStep(at_us, window[0][1]))
        while window[0][0] <= at_us:
            window.popleft()
            if window[0][1] < kept[-1].vus:
                kept.append(VuStep(at_us, window[0][1]))
    return kept


def _counts_until(end_us: int | None, width_us: int) -> int:
    """Say until when a planned level keeps VUs reserved; the last level keeps them forever."""
    forever_us = 1 << 62
    return forever_us if end_us is None else end_us + width_us
