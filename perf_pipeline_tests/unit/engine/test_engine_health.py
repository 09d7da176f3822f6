"""When the generator is called the limit, and when a hiccup is let pass."""

import pytest

from perf_pipeline.engine.distant import HostAccount
from perf_pipeline.engine.health import judge
from perf_pipeline.engine.lag import LagHistogram
from perf_pipeline.engine.machine_time import MachineTime
from perf_pipeline.engine.vitals import Vitals, with_clock_error


def _reasons(vitals: Vitals, clock_step_ms: float = 0.0) -> tuple[str, ...]:
    return judge({0: vitals}, clock_step_ms=clock_step_ms).reasons


@pytest.mark.parametrize(
    "vitals",
    [
        Vitals(),
        Vitals(watched_s=60, cpu_ratio=0.7, cpu_busy_s=4.0),
        Vitals(watched_s=5, stall_longest_ms=240, stall_total_ms=480),
        Vitals(watched_s=600, stall_longest_ms=450, stall_total_ms=5_000),
        Vitals(watched_s=5, starts=2_500, late_starts=110, schedule_lag_p95_ms=3),
        Vitals(watched_s=5, starts=50, late_starts=4, very_late_starts=4),
        Vitals(open_files=900, open_files_limit=1_024),
    ],
    ids=[
        "nothing seen",
        "a busy peak",
        "one hiccup in a short run",
        "rare hiccups in a long run",
        "4 % of the starts late",
        "few starts",
        "many files",
    ],
)
def test_a_generator_that_kept_up_is_valid(vitals: Vitals) -> None:
    health = judge({0: vitals}, clock_step_ms=3.0)

    assert health.valid
    assert health.reasons == ()


@pytest.mark.parametrize(
    ("vitals", "sentence"),
    [
        (
            Vitals(watched_s=60, cpu_busy_s=12.0),
            (
                "worker 0 used more than 90% of a core for 12 s in a row (limit 5 s); use more "
                "workers, or fewer VUs"
            ),
        ),
        (
            Vitals(watched_s=4, cpu_busy_s=2.0),
            (
                "worker 0 used more than 90% of a core for 2 s in a row (limit 2 s); use more "
                "workers, or fewer VUs"
            ),
        ),
        (
            Vitals(watched_s=600, stall_longest_ms=980, stall_total_ms=980),
            (
                "worker 0 stood still for 980 ms (limit 500 ms); run nothing else on this machine, "
                "or use more workers"
            ),
        ),
        (
            Vitals(watched_s=60, stall_longest_ms=100, stall_total_ms=3_100),
            (
                "worker 0 stood still for a total of 3100 ms in 60.0 s (limit 3000 ms); use more "
                "workers, fewer VUs, or a less busy machine"
            ),
        ),
        (
            Vitals(watched_s=9, starts=1_000, late_starts=51, schedule_lag_p95_ms=61.2),
            (
                "worker 0 started iterations 61 ms late at p95 although VUs were free (limit 50 "
                "ms); use more workers, or a lower rate"
            ),
        ),
        (
            Vitals(watched_s=9, starts=1_000, very_late_starts=11, schedule_lag_p99_ms=240.0),
            (
                "worker 0 started iterations 240 ms late at p99 although VUs were free (limit 200 "
                "ms); use more workers, or a lower rate"
            ),
        ),
        (
            Vitals(watched_s=9, starts=1_000, late_drops=11),
            (
                "worker 0 dropped 11 starts because it was late itself (limit 1% of them); use "
                "more workers, or more VUs"
            ),
        ),
        (
            Vitals(open_files=1_000, open_files_limit=1_024),
            (
                "worker 0 had 1000 of 1024 file descriptors open; raise the hard limit "
                "(`ulimit -Hn`), use more workers or fewer VUs"
            ),
        ),
        (
            Vitals(open_files=1_024, open_files_limit=1_024, own_limits=7, local_ports=28_232),
            (
                "worker 0 failed 7 operations itself, because it ran out of descriptors: it had "
                "1024 of 1024 file descriptors open; raise the hard limit (`ulimit -Hn`), use more "
                "workers or fewer VUs"
            ),
        ),
        (
            Vitals(
                exceptions=2, first_exception="KeyError: 'id' at shop.py:7 in visit", log="/a/b.log"
            ),
            (
                "worker 0 caught 2 exceptions in iterations, which means that the workload has a "
                "bug; the first was KeyError: 'id' at shop.py:7 in visit, and its traceback is in "
                "/a/b.log"
            ),
        ),
        (
            Vitals(doubts=("visit got 200, and then came KeyError: 'id'",)),
            (
                "worker 0 completed no iteration: visit got 200, and then came KeyError: 'id'; as "
                "long as every iteration fails, nobody can tell a mistake of the scenario from a "
                "fault of the target"
            ),
        ),
        (
            Vitals(open_files=80, open_files_limit=1_024, own_limits=7, local_ports=50),
            (
                "worker 0 failed 7 operations itself, because it ran out of ports, descriptors or "
                "memory (ports for connections to one address: 50; 80 of 1024 file descriptors "
                "were open); widen net.ipv4.ip_local_port_range, keep connections open, or use "
                "fewer VUs"
            ),
        ),
    ],
    ids=[
        "cpu",
        "cpu, short",
        "one stall",
        "stalls",
        "lag p95",
        "lag p99",
        "late drops",
        "files",
        "no file left",
        "bugs",
        "doubts",
        "no port left",
    ],
)
def test_a_limit_that_was_reached_is_named_with_its_remedy(vitals: Vitals, sentence: str) -> None:
    health = judge({0: vitals}, clock_step_ms=0.0)

    assert not health.valid
    assert health.reasons == (sentence,)


def test_a_client_at_its_limit_is_a_note_of_a_ceiling_run_and_nothing_else_is() -> None:
    saturated = Vitals(watched_s=60, cpu_busy_s=12.0)
    health = judge({0: saturated}, clock_step_ms=0.0, is_ceiling=True)
    stalled = judge({0: Vitals(stall_longest_ms=980)}, clock_step_ms=0.0, is_ceiling=True)

    assert (health.valid, health.reasons) == (True, ())
    assert health.notes == (
        (
            "the load generator was the limit of the ceiling run: worker 0 used more than 90% of a "
            "core for 12 s in a row (limit 5 s); use more workers, or fewer VUs"
        ),
    )
    assert (stalled.valid, stalled.notes) == (False, ())


def test_a_wall_clock_that_was_set_spoils_latencies_across_processes() -> None:
    assert _reasons(Vitals(), clock_step_ms=-80.0) == (
        (
            "the wall clock was set by -80 ms during the load (limit 50 ms), so latencies across "
            "processes can be wrong; run again"
        ),
    )


def test_figures_are_the_worst_worker_and_the_sum_of_counts() -> None:
    health = judge(
        {0: Vitals(cpu_ratio=0.2, starts=10), 1: Vitals(cpu_ratio=0.5, starts=11)},
        clock_step_ms=0.0,
        incidents=["worker 2 ended unexpectedly (signal 9)"],
    )

    assert health.figures["cpu_ratio"] == 0.5
    assert health.figures["starts"] == 21
    assert health.reasons == ("worker 2 ended unexpectedly (signal 9)",)


def test_lag_quantiles_are_right_to_a_tenth_of_a_millisecond() -> None:
    lags = LagHistogram()
    for lag_us in range(1, 1_001):  # 1 .. 1000 µs once each
        lags.add(lag_us)

    # The 500th value is 500 µs, in the bin 500..599; the 990th 990 µs, in 900..999.
    assert lags.quantile_us(0.5) == 600
    assert lags.quantile_us(0.99) == 1_000
    assert lags.later_than(900) == 101
    assert LagHistogram().quantile_us(0.99) == 0


def test_lags_beyond_the_bins_keep_the_greatest() -> None:
    lags = LagHistogram()
    lags.add(7_000_000)
    both = lags.plus(LagHistogram())

    assert (both.count, both.quantile_us(0.5), both.most_us) == (1, 7_000_000, 7_000_000)


def test_a_cpu_limit_that_held_the_load_back_makes_it_invalid() -> None:
    health = judge({0: Vitals()}, clock_step_ms=0, machine={"cpu_throttled_ratio": 0.31})

    assert health.reasons == (
        (
            "the CPU limit of this container held the load generator back for 31% of the time "
            "(limit 5%); give it more CPU, or use a lower rate"
        ),
    )
    assert health.figures["cpu_throttled_ratio"] == 0.31


def test_a_machine_that_others_had_is_told_beside_a_valid_load_and_as_the_cause_of_another() -> (
    None
):
    machine = {"cpu_steal_ratio": 0.12, "cpu_pressure_ratio": 0.8, "cpu_throttled_ratio": 0.01}
    told = (
        (
            "during the load the hypervisor gave other machines 12% of the CPU time of this "
            "machine (steal)"
        ),
        "during 80% of the load some process on this machine was waiting for a CPU (PSI)",
    )
    well = judge({0: Vitals()}, clock_step_ms=0, machine=machine)
    starved = judge(
        {0: Vitals(watched_s=60, stall_longest_ms=900)}, clock_step_ms=0, machine=machine
    )

    assert (well.valid, well.notes) == (True, told[:1])
    assert starved.reasons[1:] == told


def test_shares_of_the_machine_are_those_of_the_time_between_two_readings() -> None:
    # 2 s on two cores are 4 s of CPU time, of which 1 s was stolen; of the 2 s themselves somebody
    # waited in 0.5 s, and the load was held back in 0.2 s.
    before = MachineTime(1_000_000, 10_000_000, 500_000, 70_000, 0)
    after = MachineTime(3_000_000, 14_000_000, 1_500_000, 570_000, 200_000)

    assert after.shares_since(before) == {
        "cpu_steal_ratio": 0.25,
        "cpu_pressure_ratio": 0.25,
        "cpu_throttled_ratio": 0.1,
    }
    assert set(before.shares_since(before).values()) == {0.0}


# --- hosts --------------------------------------------------------------------------------------


def test_a_limit_that_a_worker_reached_names_its_host() -> None:
    health = judge(
        {0: Vitals(), 1: Vitals(watched_s=60, cpu_busy_s=6.0, cpu_ratio=0.95)},
        clock_step_ms=0.0,
        hosts={0: HostAccount("a.example"), 1: HostAccount("b.example")},
    )

    (reason,) = health.reasons
    assert reason.startswith("worker 1 on b.example ")


@pytest.mark.parametrize(
    ("account", "reason"),
    [
        (
            HostAccount("b.example", clock_error_ms=2_001.2),
            "the clock of b.example is known to 2001 ms only (limit 50 ms)",
        ),
        (
            HostAccount("b.example", clock_step_ms=-2_000.0),
            "the wall clock of b.example was set by -2000 ms during the load (limit 50 ms)",
        ),
        (
            HostAccount("b.example", incident="its samples-1-0.npy did not arrive whole"),
            "worker 0 on b.example: its samples-1-0.npy did not arrive whole",
        ),
    ],
    ids=["off", "set", "lost"],
)
def test_what_is_wrong_with_a_host_makes_a_load_invalid(account: HostAccount, reason: str) -> None:
    health = judge({0: Vitals()}, clock_step_ms=0.0, hosts={0: account})

    assert not health.valid
    assert [told[: len(reason)] for told in health.reasons] == [reason]


def test_an_error_of_a_clock_that_decides_nothing_is_a_figure() -> None:
    hosts = {
        0: HostAccount("a", clock_error_ms=0.2, clock_moved_ms=300.0),
        1: HostAccount("b", clock_error_ms=49.0),
    }
    health = judge({0: Vitals(), 1: Vitals()}, clock_step_ms=0.0, hosts=hosts)

    assert health.valid
    assert health.figures["clock_error_ms"] == 49.0
    assert health.figures["clock_moved_ms"] == 300.0  # corrected, and so no fault


def test_the_error_of_a_clock_counts_where_starts_may_have_been_late_by_it() -> None:
    # p95 is 20 ms by the host's own clock, and that clock is known to 40 ms: up to 60 ms late.
    seen = Vitals(starts=100, schedule_lag_p95_ms=20.0)
    hosts = {0: HostAccount("b.example", clock_error_ms=40.0)}

    health = judge({0: with_clock_error(seen, 40.0)}, clock_step_ms=0.0, hosts=hosts)

    assert health.reasons == (
        (
            "worker 0 on b.example may have started iterations 60 ms late at p95 (limit 50 ms), "
            "because its host's clock is known to 40 ms only; use a network with shorter round "
            "trips, or let NTP keep its clock"
        ),
    )
    # 25 ms of it because that clock fell behind: the starts were really late by that.
    hosts = {0: HostAccount("b.example", clock_error_ms=15.0, clock_behind_ms=25.0)}
    (reason,) = judge({0: with_clock_error(seen, 40.0)}, clock_step_ms=0.0, hosts=hosts).reasons
    assert "its host's clock fell 25 ms behind during the load and is known to 15 ms only" in reason
    # Looping VUs have no starts that could be late.
    assert with_clock_error(Vitals(), 40.0) == Vitals()


def test_what_others_had_of_a_host_is_not_told_of_this_machine() -> None:
    machine = {"cpu_steal_ratio": 0.12, "cpu_pressure_ratio": 0.8, "cpu_throttled_ratio": 0.31}
    stalled = Vitals(watched_s=60, stall_longest_ms=900)
    health = judge(
        {0: stalled}, clock_step_ms=0, machine=machine, hosts={0: HostAccount("b.example")}
    )

    assert "this machine" not in " ".join(health.reasons[1:])
    assert "the CPU limit of a host of the fleet held" in " ".join(health.reasons[1:])
