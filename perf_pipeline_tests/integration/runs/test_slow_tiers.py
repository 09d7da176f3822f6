"""Which tier was it, on a real stack that is made slow on purpose in one tier at a time.

Add here: another slow tier. Keep out: bounds and rules (unit/analysis/test_attribution.py).
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

import pytest

from perf_pipeline.analysis.attribution import Attribution
from perf_pipeline.analysis.attribution_rules import Tier
from perf_pipeline.judging.attribution import attributions_of_run
from perf_pipeline.report import findings
from perf_pipeline.report.model import RunReport
from perf_pipeline.stack.embedded import down, up
from perf_pipeline.stack.parts import StackOptions
from perf_pipeline.store.state import State
from perf_pipeline_tests.support.commands.slow_stack import BENCHMARK, SlowStack
from perf_pipeline_tests.support.places import new_state
from perf_pipeline_tests.support.silent import hush

pytestmark = pytest.mark.timeout(180)
_STAGES: Final = ["start", "api", "database", "outbox", "queue", "worker"]
Slowing = Callable[[SlowStack], AbstractContextManager[None]]


def attribution(report: RunReport) -> Attribution:
    ((benchmark, found),) = report.attributions
    assert benchmark == BENCHMARK
    return found


def figures(report: RunReport) -> str:
    return "\n".join(
        f"{status} {subject}: {text}" for status, subject, text in findings.lines(report)
    )


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SlowStack]:
    """Start a stack for this module alone: what is stopped and throttled is nobody else's."""
    own = new_state(tmp_path_factory.mktemp("slow"))
    stack = up(own, StackOptions(), say=hush)
    try:
        yield SlowStack(own, stack)
    finally:
        down(own, say=hush)


@pytest.fixture(scope="module")
def healthy(system: SlowStack) -> RunReport:
    """Run on the healthy stack; again where something else kept this machine busy."""
    for _ in range(2):
        report = system.run()
        if attribution(report).tier is None:
            break
    system.remember()
    return report


def test_each_tier_that_is_made_slow_has_processes_of_its_own(system: SlowStack) -> None:
    """Not alone, unlike the others: the stack of this module starts here, beside other tests."""
    tiers = [set(system.pids_of(tier)) for tier in ("api", "broker", "worker")]

    assert all(tiers)
    assert sum(map(len, tiers)) == len(set().union(*tiers))


@pytest.mark.alone
def test_a_healthy_stack_is_healthy_and_every_stage_is_known(
    healthy: RunReport, system: SlowStack
) -> None:
    found = attribution(healthy)

    assert found.name == "healthy", figures(healthy)
    assert [stage.stage for stage in found.stages] == _STAGES
    latency = next(
        summary
        for summary in healthy.benchmarks[0].summaries
        if summary.metric == "message_latency"
    )
    # The stages of each message add up to its latency; so do their means in the slowest tenth.
    assert latency.p90 is not None
    assert latency.maximum is not None
    assert latency.p90 <= sum(stage.tail_ms for stage in found.stages) <= latency.maximum
    assert attributions_of_run(State(system.state), healthy.run_id) == list(healthy.attributions)
    assert "stages of a message" in Path(healthy.paths["html"]).read_text(encoding="utf-8")


@pytest.mark.alone
@pytest.mark.parametrize(
    ("tier", "slowing"),
    [
        pytest.param(Tier.DATABASE, SlowStack.slow_inserts, id="pg_sleep in a trigger"),
        pytest.param(Tier.DATABASE, SlowStack.locked_users, id="a lock for 1.5 s"),
        pytest.param(Tier.API, lambda stack: stack.throttled("api"), id="throttled API"),
        pytest.param(Tier.QUEUE, lambda stack: stack.throttled("broker"), id="throttled broker"),
        pytest.param(Tier.WORKER, lambda stack: stack.throttled("worker"), id="throttled worker"),
        pytest.param(Tier.WORKER, SlowStack.starved_worker, id="starved worker"),
    ],
)
def test_the_tier_that_was_made_slow_is_the_one_that_is_named(
    tier: Tier, slowing: Slowing, healthy: RunReport, system: SlowStack
) -> None:
    assert healthy.attributions
    system.forget()
    system.made_whole()
    with slowing(system):
        report = system.run()

    found = attribution(report)
    assert found.tier is tier, figures(report)
    assert found.runs >= 1
    assert found.advice
    if slowing is SlowStack.locked_users:
        (locks,) = [finding for finding in found.evidence if finding.rule == "lock waits"]
        assert locks.spell is not None
        assert 0.5 <= locks.spell.above_s <= 3
        assert locks.spell.first_s >= 1
    if slowing is SlowStack.starved_worker:
        assert "every hand of the workers was full" in found.sentence
