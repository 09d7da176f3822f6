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
from perf_pipeline.store.state import State
from perf_pipeline_tests.support.commands.slow_stack import BENCHMARK, SlowStack, slow_stack
from perf_pipeline_tests.support.places import new_state

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
    with slow_stack(new_state(tmp_path_factory.mktemp("slow"))) as started:
        yield started


@pytest.fixture(scope="module")
def healthy(system: SlowStack) -> tuple[RunReport, Path]:
    """Run on the healthy stack; again where something else kept this machine busy."""
    for _ in range(2):
        report = system.run()
        if attribution(report).tier is None:
            break
    return report, system.remember()


def test_each_tier_that_is_made_slow_has_processes_of_its_own(system: SlowStack) -> None:
    """Not alone, unlike the others: the stack of this module starts here, beside other tests."""
    tiers = [set(system.pids_of(tier)) for tier in ("api", "broker", "worker")]

    assert all(tiers)
    assert sum(map(len, tiers)) == len(set().union(*tiers))


@pytest.mark.alone
def test_a_healthy_stack_is_healthy_and_every_stage_is_known(
    healthy: tuple[RunReport, Path], system: SlowStack
) -> None:
    report, _ = healthy
    found = attribution(report)

    assert found.name == "healthy", figures(report)
    assert [stage.stage for stage in found.stages] == _STAGES
    latency = next(
        summary for summary in report.benchmarks[0].summaries if summary.metric == "message_latency"
    )
    # The stages of each message add up to its latency; so do their means in the slowest tenth.
    assert latency.p90 is not None
    assert latency.maximum is not None
    assert latency.p90 <= sum(stage.tail_ms for stage in found.stages) <= latency.maximum
    assert attributions_of_run(State(system.state), report.run_id) == list(report.attributions)
    assert "stages of a message" in Path(report.paths["html"]).read_text(encoding="utf-8")


@pytest.mark.alone
@pytest.mark.parametrize(
    ("tier", "slowing"),
    [
        pytest.param(Tier.DATABASE, SlowStack.slow_inserts, id="pg_sleep in a trigger"),
        pytest.param(Tier.DATABASE, SlowStack.locked_users, id="a lock for 1.5 s"),
        pytest.param(Tier.API, lambda stack: stack.throttled("api"), id="throttled API"),
        pytest.param(Tier.QUEUE, lambda stack: stack.throttled("broker"), id="throttled broker"),
        pytest.param(Tier.WORKER, lambda stack: stack.throttled("worker"), id="throttled worker"),
    ],
)
def test_the_tier_that_was_made_slow_is_the_one_that_is_named(
    tier: Tier, slowing: Slowing, healthy: tuple[RunReport, Path], system: SlowStack
) -> None:
    system.forget(healthy[1])
    with slowing(system):
        found = named(system, tier)

    if tier is Tier.DATABASE:
        # What was made slow, in PostgreSQL's own words, and that it is new.
        kind = "Lock: " if slowing is SlowStack.locked_users else "Timeout: PgSleep"
        _, told = found.sentence.split("its sessions' time went into: ")
        assert told.startswith(kind), told
        assert " before, grown)" in told
        assert "its statements that took longest: with new_user as ( insert into users" in told
    if slowing is SlowStack.locked_users:
        (locks,) = [finding for finding in found.evidence if finding.rule == "lock waits"]
        assert locks.spell is not None
        assert 0.5 <= locks.spell.above_s <= 3
        assert locks.spell.first_s >= 1


@pytest.mark.alone
def test_a_starved_worker_is_the_tier_that_is_named(
    healthy: tuple[RunReport, Path], system: SlowStack
) -> None:
    system.forget(healthy[1])
    # Two hands, 80 to 120 ms each: 20/s for 40/s.
    with system.other_worker(BIRTHDAY_WORKER_CONCURRENCY="2", BIRTHDAY_SEND_MS="80..120"):
        found = named(system, Tier.WORKER)

    assert "all slots of the workers were busy" in found.sentence


def named(stack: SlowStack, tier: Tier) -> Attribution:
    """Load a stack, and give what is said of it, which names the tier."""
    report = stack.run()
    assert report.attributions
    found = attribution(report)
    assert found.tier is tier, figures(report)
    assert found.runs >= 1
    assert found.advice
    return found
