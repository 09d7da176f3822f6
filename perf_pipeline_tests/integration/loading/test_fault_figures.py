"""Figures of a fault that is shorter than what its load is cut into."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from perf_pipeline.config.loading import load_profile
from perf_pipeline.loading.fault_figures import FeltFaults, felt_faults
from perf_pipeline.metrics.faults import FaultRecord
from perf_pipeline.metrics.sample import Outcome, Sample
from perf_pipeline_tests.support.histories.spool import Spool, counts, sample

PROFILE = """
name = "short"
[benchmarks.api.scenarios.create]
exec = "http_steps"
executor = "constant-arrival-rate"
rate = 20
duration = "10s"
preAllocatedVUs = 1
[[benchmarks.api.scenarios.create.parameters.steps]]
name = "visit"
method = "GET"
path = "/"
"""
HALF_A_SECOND = FaultRecord(0, "reset", "reset", "load to api", 6_200_000, 6_700_000, 6_700_000)


def worked_out(
    tmp_path: Path, one: Callable[[int], Sample], fault: FaultRecord, *, seconds: int = 10
) -> FeltFaults:
    """Work out a load of 20 a second from second 1 on, with `one` operation for each due time."""
    profile = tmp_path / "short.toml"
    profile.write_text(PROFILE.replace("10s", f"{seconds}s"), encoding="utf-8")
    config = load_profile(str(profile)).benchmarks["api"]
    until_us = 1_000_000 * (1 + seconds)
    samples = [one(due_us) for due_us in range(1_000_000, until_us, 50_000)]
    folder = Spool(samples=samples).write(tmp_path) / "api"
    measured = replace(counts(), measured_until_us=until_us)
    return felt_faults(folder, config, [measured], [fault], knows_messages=False)


def seen(
    tmp_path: Path,
    ms: float,
    outcome: Outcome,
    fault: FaultRecord = HALF_A_SECOND,
) -> FeltFaults:
    """Work out a load of seconds 1 to 11 in which the ten operations due in a fault are unlike."""

    def one(due_us: int) -> Sample:
        is_hit = 6_200_000 <= due_us < 6_700_000
        took_ms, ended = (ms, outcome) if is_hit else (1.0, Outcome.OK)
        return sample(took_ms, outcome=ended, intended_us=due_us, started_us=due_us)

    return worked_out(tmp_path, one, fault)


def test_what_fails_in_half_a_second_is_counted_and_has_a_recovery(tmp_path: Path) -> None:
    found = seen(tmp_path, 1.0, Outcome.FAILED)

    figures = {figure.name: figure.value for figure in found.figures if figure.operation}
    # 20 a second are due, so that buckets last a second, and that from 6 to 7 s has all ten.
    assert figures["fault_failed"] == 10
    assert figures["fault_effect_s"] == 0
    assert figures["fault_recovery_s"] == pytest.approx(0.8)


def test_what_is_slow_in_a_fault_without_an_effect_is_counted_until_its_undo(
    tmp_path: Path,
) -> None:
    found = seen(tmp_path, 400.0, Outcome.OK)

    figures = {figure.name: figure.value for figure in found.figures if figure.operation}
    # One bucket is out of its band, 1 ms and 10 ms more, and that alone is no effect.
    assert "fault_effect_s" not in figures
    assert figures["fault_recovery_s"] == 0
    assert figures["fault_slow"] == 10
    (beside,) = (
        figure.value for figure in found.figures if figure.name == "answered_beside_faults"
    )
    assert beside == 1


def test_a_recovery_that_an_undo_longer_than_the_load_hides_is_told_as_what_it_is(
    tmp_path: Path,
) -> None:
    # The load ends at second 11, and a broker that is started again needs from 6.7 to 24.7.
    late = replace(HALF_A_SECOND, undone_us=24_700_000)

    found = seen(tmp_path, 1.0, Outcome.FAILED, late)

    assert "fault_recovery_s" not in {figure.name for figure in found.figures if figure.operation}
    (told,) = found.problems
    assert told == (
        # Whole seconds of load from 25.0 to 28.0.
        "it was not seen whether the target recovered from the fault reset: "
        "its undo took 18.0 s, and "
        "of the 3.3 s of load that show it at this rate 0.0 s were left; make the load longer"
    )
    (unrecovered,) = (it.value for it in found.figures if it.name == "faults_unrecovered")
    assert unrecovered == 1


def test_a_quick_undo_behind_which_too_few_whole_buckets_lie_is_no_failed_recovery(
    tmp_path: Path,
) -> None:
    # Buckets of a second: from 10 to 11 there is one, and three are needed, from 10 to 13.
    late = replace(HALF_A_SECOND, undo_us=9_400_000, undone_us=9_500_000)

    found = seen(tmp_path, 1.0, Outcome.FAILED, late)

    (told,) = found.problems
    assert told == (
        "it was not seen whether the target recovered from the fault reset: "
        "its undo took 0.1 s, and "
        "of the 3.5 s of load that show it at this rate 1.5 s were left; make the load longer"
    )


def at_a_cut(tmp_path: Path, ms: float, after_ms: float, outcome: Outcome) -> FeltFaults:
    """Work out a load of 20 a second in which those of 5.4 to 6.7 s hang until 7.7 s.

    Args:
        tmp_path: where it is written.
        ms: what an operation takes before.
        after_ms: what it takes from 6.7 s on, where a fault from 6.2 s on is undone.
        outcome: of those that hang.
    """

    def one(due_us: int) -> Sample:
        hangs = 5_400_000 <= due_us < 6_700_000
        took_ms = (7_700_000 - due_us) / 1_000 if hangs else ms if due_us < 5_400_000 else after_ms
        ended = outcome if hangs else Outcome.OK
        return sample(took_ms, outcome=ended, intended_us=due_us, started_us=due_us)

    return worked_out(tmp_path, one, HALF_A_SECOND)


@pytest.mark.parametrize("outcome", [Outcome.OK, Outcome.FAILED])
def test_what_a_fault_did_to_operations_under_way_is_not_usual_before_it(
    tmp_path: Path, outcome: Outcome
) -> None:
    found = at_a_cut(tmp_path, 800.0, 800.0, outcome)

    figures = {figure.name: figure.value for figure in found.figures if figure.operation}
    # Usual are 800 ms, as old as those of 5.4 s are at 6.2 s, and half of that more: of the 26 that
    # hang all fail, or those are slow that take more than 1,200 ms, due from 5.4 s until 6.5 s.
    hit, count = {Outcome.OK: ("fault_slow", 22), Outcome.FAILED: ("fault_failed", 26)}[outcome]
    assert figures[hit] == count
    assert not found.problems


@pytest.mark.parametrize("outcome", [Outcome.OK, Outcome.FAILED])
def test_a_target_that_hung_before_the_fault_was_not_steady(
    tmp_path: Path, outcome: Outcome
) -> None:
    # 16 of the 104 that were due hung when the fault began, which others answered within 1 ms.
    found = at_a_cut(tmp_path, 1.0, 700.0, outcome)

    (told,) = found.problems
    assert told.startswith("before the fault reset less than 95% of the operations went well")


def test_slow_answers_after_a_fault_are_no_recovery_because_some_were_old_when_it_began(
    tmp_path: Path,
) -> None:
    # As above, but 54 s later: 16 of 1,104 are too few to have nothing to compare with.
    late = replace(HALF_A_SECOND, injected_us=60_200_000, undo_us=60_700_000, undone_us=60_700_000)

    def one(due_us: int) -> Sample:
        hangs = 59_400_000 <= due_us < 60_700_000
        took_ms = 2_000.0 if hangs else 1.0 if due_us < 59_400_000 else 700.0
        ended = Outcome.FAILED if hangs else Outcome.OK
        return sample(took_ms, outcome=ended, intended_us=due_us, started_us=due_us)

    found = worked_out(tmp_path, one, late, seconds=70)

    (unrecovered,) = (it.value for it in found.figures if it.name == "faults_unrecovered")
    assert unrecovered == 1
    assert "the target did not recover" in found.problems[0]
