"""The six executors on virtual time: exact counts, worked out by hand or observed in k6."""

from typing import Any

import pytest

from perf_pipeline.metrics.sample import IterationRecord, Outcome, Phase, Sample
from perf_pipeline.plan.stripes import Stripe
from perf_pipeline_tests.support.loads.scenario_on_virtual_time import Run, run

S = 1_000_000


def rate(per_s: int, seconds: int, vus: int, **more: Any) -> dict[str, Any]:
    return {
        "executor": "constant-arrival-rate",
        "rate": per_s,
        "duration": f"{seconds}s",
        "preAllocatedVUs": vus,
        **more,
    }


def counts(done: Run) -> tuple[int, int, int]:
    outcome = done.outcome
    return outcome.iterations, outcome.dropped_iterations, outcome.interrupted_iterations


def recorded(done: Run) -> list[Sample | IterationRecord]:
    return sorted((*done.samples, *done.iterations), key=lambda entry: (entry.vu, entry.iteration))


# --- what k6 does ------------------------------------------------------------------------------


def test_ten_vus_times_five_iterations_are_fifty() -> None:
    done = run({"executor": "per-vu-iterations", "vus": 10, "iterations": 5}, 100_000)

    assert counts(done) == (50, 0, 0)
    assert {(s.vu, s.iteration) for s in done.samples} == {
        (vu, n) for vu in range(1, 11) for n in range(5)
    }
    # 5 * 0.1 s; the scenario is over with its last iteration, not after maxDuration.
    assert done.took_us == done.outcome.measured_until_us == 500_000


def test_shared_iterations_are_done_once_by_whoever_is_free() -> None:
    # k6's run "shared": 20 iterations by 5 VUs of 0.1 s took 0.44 s, of which 4 * 0.1 s of sleep.
    done = run({"executor": "shared-iterations", "vus": 5, "iterations": 20}, 100_000)

    assert counts(done) == (20, 0, 0)
    assert done.took_us == 400_000


def test_shared_iterations_that_the_time_did_not_suffice_for_are_dropped() -> None:
    # k6's run "shared_maxduration": 6 iterations, 12 dropped (and the 2 under way interrupted).
    # Here 0.55 s instead of 0.5 s, so that the fourth pair (1.65 to 2.2 s) is cut for certain.
    scenario = {"executor": "shared-iterations", "vus": 2, "iterations": 20}
    done = run({**scenario, "maxDuration": "2s", "gracefulStop": "0s"}, 550_000)

    assert counts(done) == (6, 12, 2)


def test_constant_vus_loop_until_the_time_is_over() -> None:
    # 3 VUs, 0.3 s each: starts at 0, 0.3, 0.6, 0.9; the last ends at 1.2 s in its graceful stop.
    done = run({"executor": "constant-vus", "vus": 3, "duration": "1s"}, 300_000)

    assert counts(done) == (12, 0, 0)
    assert done.took_us == 1_200_000
    assert done.outcome.measured_until_us == 1 * S


def test_a_start_time_moves_the_whole_scenario() -> None:
    scenario = {"executor": "constant-vus", "vus": 1, "duration": "1s", "startTime": "2s"}
    done = run(scenario, 100_001)

    # Intended at 0, 0.100001 ... 0.900009 after the start: 10 iterations.
    assert counts(done) == (10, 0, 0)
    assert done.samples[0].intended_us == 2 * S
    assert (done.outcome.measured_from_us, done.outcome.measured_until_us) == (2 * S, 3 * S)


@pytest.mark.parametrize(
    ("stages", "grace", "took_us"),
    [
        # k6's runs: 4 VUs in 3 s iterations, ramped down to 0 after 1 s. They took 1.03 s (nothing
        # is planned after the last VU, so it does not wait for the end of the stages) and 2.04 s.
        ([("1s", 4), ("0s", 0), ("4s", 0)], ("0s", "5s"), 1 * S),
        ([("1s", 4), ("0s", 0)], ("10s", "1s"), 2 * S),
    ],
    ids=["rv_graceful_rampdown0", "rv_gstop_cuts_rampdown"],
)
def test_ramped_down_vus_are_cut_after_their_grace(
    stages: list[tuple[str, int]], grace: tuple[str, str], took_us: int
) -> None:
    scenario = {
        "executor": "ramping-vus",
        "startVUs": 4,
        "stages": [{"duration": d, "target": t} for d, t in stages],
        "gracefulRampDown": grace[0],
        "gracefulStop": grace[1],
    }
    done = run(scenario, 3 * S)

    assert counts(done) == (0, 0, 4)
    assert done.took_us == took_us


def test_a_vu_in_its_graceful_ramp_down_is_taken_up_again() -> None:
    # Down to 0 at 1 s and up again at 2 s; the 2.5 s iteration survives and the same VU goes on.
    scenario = {
        "executor": "ramping-vus",
        "startVUs": 1,
        "stages": [
            {"duration": "1s", "target": 1},
            {"duration": "0s", "target": 0},
            {"duration": "1s", "target": 0},
            {"duration": "0s", "target": 1},
            {"duration": "1s", "target": 1},
        ],
    }
    done = run(scenario, 2_500_000)

    assert [(s.iteration, s.started_us, s.ended_us) for s in done.samples] == [
        (0, 0, 2_500_000),
        (1, 2_500_000, 5_000_000),
    ]


def test_a_vu_that_is_wanted_again_while_it_is_cut_starts_as_soon_as_it_can() -> None:
    # Cut at 1 s, its cancellation takes 0.5 s; wanted again at 1.1 s, so it starts at 1.5 s and
    # the lag of 0.4 s shows.
    scenario = {
        "executor": "ramping-vus",
        "startVUs": 1,
        "stages": [
            {"duration": "1s", "target": 1},
            {"duration": "0s", "target": 0},
            {"duration": "100ms", "target": 0},
            {"duration": "0s", "target": 1},
            {"duration": "1s", "target": 1},
        ],
        "gracefulRampDown": "0s",
    }
    done = run(scenario, 1_200_000, cleanup_us=500_000)

    assert [(s.intended_us, s.started_us, s.ended_us) for s in done.samples] == [
        (0, 0, 1_500_000),
        (1_100_000, 1_500_000, 2_700_000),
    ]
    assert counts(done) == (1, 0, 1)


def test_constant_rate_starts_at_fixed_times() -> None:
    # 50/s for 20 s, k6's k*20 ms including both ends: 1,001 starts.
    done = run(rate(50, 20, 20), 1_000)

    assert counts(done) == (1_001, 0, 0)
    assert [s.intended_us for s in done.samples] == [k * 20_000 for k in range(1_001)]
    assert all(s.started_us == s.intended_us for s in done.samples)


def test_a_ramping_rate_makes_as_many_as_k6() -> None:
    # k6's run "rar_updown": 40 iterations.
    stages = [{"duration": "2s", "target": t} for t in (10, 10, 0)]
    scenario = {"executor": "ramping-arrival-rate", "stages": stages, "preAllocatedVUs": 10}
    done = run({**scenario, "startRate": 0}, 1_000)

    assert counts(done) == (40, 0, 0)


# --- no free VU --------------------------------------------------------------------------------


def test_a_start_without_free_vu_is_dropped_and_counted() -> None:
    # k6's run "dropped_some": 20/s for 3 s on one VU of 0.5 s: 6 iterations, 55 dropped. In k6 the
    # VU is free a little after 0.5 s, here at 0.501 s: starts at 0, 0.55, 1.1, 1.65, 2.2, 2.75.
    done = run(rate(20, 3, 1), 501_000)

    assert counts(done) == (6, 55, 0)
    assert [s.intended_us for s in done.samples] == [550_000 * k for k in range(6)]


def test_vus_are_made_when_needed_up_to_the_most() -> None:
    # 10/s of 0.95 s each needs 10 VUs; 2 are prepared, 10 allowed, and 5 allowed.
    assert counts(run(rate(10, 5, 2, maxVUs=10), 950_000)) == (51, 0, 0)

    # With 5: starts at 0, .1, .2, .3, .4, the next free VU at 0.95 s, so of each second's 10
    # starts 5 happen: 25, and the one at 5.0 s.
    done = run(rate(10, 5, 2, maxVUs=5), 950_000)
    assert counts(done) == (26, 25, 0)
    assert {s.vu for s in done.samples} == {1, 2, 3, 4, 5}


def test_the_vu_that_was_free_last_is_taken_first() -> None:
    done = run(rate(10, 2, 50), 50_000)

    assert {s.vu for s in done.samples} == {1}


def _stalled(started_us: int) -> int:
    """Answer in 1 ms, but nothing leaves between 5 and 7 s."""
    return 7 * S - started_us if 5 * S <= started_us < 7 * S else 1_000


def test_a_stall_drops_what_few_vus_cannot_start() -> None:
    # 200/s: arrivals at 5.000, 5.005 ... 6.995 s are 400. The first 50 of them hold all 50 VUs
    # until 7 s; the other 350 find none free.
    done = run(rate(200, 10, 50), _stalled)

    assert counts(done) == (2_001 - 350, 350, 0)


def test_a_stall_shows_in_the_response_times_when_there_are_vus() -> None:
    done = run(rate(200, 10, 500), _stalled)

    # The arrival at 5.000 s waited 2 s, the next 1.995 s ... the last 0.005 s: mean 1.0025 s.
    waited = [s.ended_us - s.intended_us for s in done.samples if 5 * S <= s.intended_us < 7 * S]
    assert counts(done) == (2_001, 0, 0)
    assert sum(waited) / len(waited) == 1_002_500
    assert max(waited) == 2 * S


# --- phases and ends ---------------------------------------------------------------------------


def test_the_phase_is_that_of_the_intended_start() -> None:
    done = run(rate(10, 3, 10), 300_000, warm_up_us=1 * S)

    phases = [s.phase for s in done.samples]
    # 10 starts in the first second, 20 measured, the one at the very end is drain.
    assert [phases.count(p) for p in (Phase.WARM_UP, Phase.MEASURED, Phase.DRAIN)] == [10, 20, 1]
    assert (done.outcome.measured_iterations, done.outcome.iterations) == (20, 31)


def test_the_intended_start_of_a_loop_is_when_its_vu_became_free() -> None:
    done = run({"executor": "constant-vus", "vus": 1, "duration": "1s"}, 400_000)

    assert [s.intended_us for s in done.samples] == [0, 400_000, 800_000]


def test_what_is_cut_is_interrupted_and_counts_in_the_phase_of_its_start() -> None:
    scenario = {"executor": "constant-vus", "vus": 2, "duration": "1s", "gracefulStop": "0s"}
    done = run(scenario, 5 * S)

    assert counts(done) == (0, 0, 2)
    assert {(s.outcome, s.phase) for s in done.samples} == {(Outcome.INTERRUPTED, Phase.MEASURED)}
    assert [s.ended_us - s.started_us for s in done.samples] == [1 * S, 1 * S]
    assert done.took_us == 1 * S


@pytest.mark.parametrize(
    ("service_us", "expected", "took_us"),
    [(2_500_000, (2, 0, 0), 2_500_000), (5_000_000, (0, 0, 2), 3_000_000)],
    ids=["ends within 2 s", "is cancelled after 2 s"],
)
def test_a_stop_gives_what_is_under_way_two_seconds(
    service_us: int, expected: tuple[int, int, int], took_us: int
) -> None:
    scenario = {"executor": "constant-vus", "vus": 2, "duration": "60s"}
    done = run(scenario, service_us, stop_at_us=1 * S)

    assert counts(done) == expected
    assert done.took_us == took_us
    assert done.outcome.measured_until_us == 1 * S


def test_an_iteration_that_ignores_its_cancellation_is_left_behind_and_counted() -> None:
    scenario = {"executor": "constant-vus", "vus": 1, "duration": "1s", "gracefulStop": "0s"}
    done = run(scenario, 10 * S, cleanup_us=60 * S)

    assert done.part.tally.deaf_to_cancellation == 1
    assert done.took_us == 1 * S + 5 * S


def test_a_stop_before_the_start_time_runs_nothing() -> None:
    scenario = {"executor": "constant-vus", "vus": 2, "duration": "60s", "startTime": "30s"}
    done = run(scenario, 1_000, stop_at_us=1 * S)

    assert counts(done) == (0, 0, 0)
    assert done.took_us == 1 * S


STAGES = [{"duration": "700ms", "target": 1}, {"duration": "2s", "target": 3}]
CLOSED: dict[str, dict[str, Any]] = {
    "to the end": {"executor": "constant-vus", "vus": 3, "duration": "1s"},
    "cut": {"executor": "constant-vus", "vus": 2, "duration": "1s", "gracefulStop": "0s"},
    "each": {"executor": "per-vu-iterations", "vus": 3, "iterations": 5},
    "shared": {"executor": "shared-iterations", "vus": 3, "iterations": 20},
    "dropped": {
        "executor": "shared-iterations",
        "vus": 2,
        "iterations": 20,
        "maxDuration": "2s",
        "gracefulStop": "0s",
    },
    "ramped down": {
        "executor": "ramping-vus",
        "startVUs": 4,
        "stages": STAGES,
        "gracefulRampDown": "100ms",
    },
}


@pytest.mark.parametrize("stop_at_us", [None, 1_050_000], ids=["planned", "stopped"])
@pytest.mark.parametrize("scenario", CLOSED.values(), ids=CLOSED)
def test_iterations_that_follow_keep_the_plan_as_those_do_that_the_engine_begins(
    scenario: dict[str, Any], stop_at_us: int | None
) -> None:
    # What the engine begins is what k6 does (above). 0.3 s and a bit, so that nothing is a tie.
    began, followed = (
        run(scenario, 300_007, warm_up_us=400_000, stop_at_us=stop_at_us, follows=follows)
        for follows in (False, True)
    )

    assert counts(followed) == counts(began)
    assert recorded(followed) == recorded(began)
    assert (followed.outcome, followed.took_us) == (began.outcome, began.took_us)


def test_an_exception_is_of_the_iteration_that_followed_and_not_of_the_first() -> None:
    # 0.3 s each: the third one, wanted at 0.6 s, has the bug, and the next two take its place.
    times_us = iter([300_000, 300_000, -1, 300_000, 300_000])
    done = run(
        {"executor": "constant-vus", "vus": 1, "duration": "1s"},
        lambda _: next(times_us),
        follows=True,
    )

    wanted_us = [0, 300_000, 600_000, 600_000, 900_000]
    assert [sample.intended_us for sample in done.samples] == wanted_us
    assert [record.intended_us for record in done.iterations] == wanted_us
    assert [record.iteration for record in done.iterations] == [0, 1, 2, 3, 4]
    failed = done.samples[2]
    assert (failed.started_us, failed.ended_us, failed.error) == (600_000, 600_000, "exception")


@pytest.mark.parametrize("bug", [LookupError, GeneratorExit, pytest.fail.Exception])
def test_an_exception_is_a_failed_sample_and_the_load_goes_on(bug: type[BaseException]) -> None:
    # pytest.fail, as an assertion in somebody's scenario, raises no `Exception`.
    scenario = {"executor": "per-vu-iterations", "vus": 1, "iterations": 3}
    durations_us = iter((10, bug("odd"), 10))

    def next_us(_: int) -> int:
        if isinstance(found := next(durations_us), BaseException):
            raise found
        return found

    done = run(scenario, next_us)

    # k6's run "iter_fail": iterations that raise are iterations all the same.
    assert counts(done) == (3, 0, 0)
    assert [(s.operation, s.outcome, s.error) for s in done.samples] == [
        ("call", Outcome.OK, ""),
        ("iteration", Outcome.FAILED, "exception"),
        ("call", Outcome.OK, ""),
    ]
    assert done.part.tally.exceptions == 1


# --- workers -----------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [1, 2, 3])
@pytest.mark.parametrize(
    "scenario",
    [
        rate(50, 2, 7),
        {"executor": "per-vu-iterations", "vus": 7, "iterations": 3},
        {"executor": "shared-iterations", "vus": 7, "iterations": 23},
    ],
    ids=lambda scenario: scenario["executor"],
)
def test_the_workers_together_do_the_plan(scenario: dict[str, Any], workers: int) -> None:
    parts = [run(scenario, 1_000, stripe=Stripe(i, workers)) for i in range(workers)]

    whole = run(scenario, 1_000)
    assert sum(p.outcome.iterations for p in parts) == whole.outcome.iterations
    assert sum(p.outcome.intended_iterations for p in parts) == whole.outcome.iterations
    assert len({(s.vu, s.iteration) for p in parts for s in p.samples}) == whole.outcome.iterations


def test_ramping_vus_over_workers_are_the_planned_vus() -> None:
    scenario = {
        "executor": "ramping-vus",
        "startVUs": 0,
        "stages": [{"duration": "5s", "target": 5}, {"duration": "5s", "target": 0}],
        "gracefulRampDown": "0s",
        "gracefulStop": "0s",
    }
    parts = [run(scenario, 20 * S, stripe=Stripe(i, 2)) for i in range(2)]

    # Oracle "rv_updown": VU v starts at v s and leaves at 11 - v s; all are cut there.
    lives = sorted((s.vu, s.started_us // S, s.ended_us // S) for p in parts for s in p.samples)
    assert lives == [(v, v, 11 - v) for v in range(1, 6)]


def test_two_runs_with_one_seed_draw_the_same_numbers() -> None:
    scenario = {"executor": "per-vu-iterations", "vus": 2, "iterations": 1}
    one, two = run(scenario).part, run(scenario).part

    assert one.random_of(1).random() == two.random_of(1).random()
    assert one.random_of(1).random() != one.random_of(2).random()
