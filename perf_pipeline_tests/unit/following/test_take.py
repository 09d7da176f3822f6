"""A benchmark while it runs: what its progress and its readings become as lines over time."""

from typing import Any

import pytest

from perf_pipeline.following.take import MOST_POINTS, Take
from perf_pipeline.report.model import TimeSeries
from perf_pipeline.store.records import RunKey

KEY = RunKey("20261129-060437-0bc46f", "shop")


def scenario(name: str = "buy", **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "active_vus": 3,
        "iterations": 0,
        "dropped_iterations": 0,
        "ok": 0,
        "failed": 0,
        "ways": {},
        "recent_per_s": 10.0,
        "planned_per_s": 12.0,
        "recent_p50_ms": 1.0,
        "recent_p95_ms": 2.0,
        "recent_p99_ms": 3.0,
        "recent_lag_ms": 0.5,
        "planned_iterations": None,
        "begins_in_s": 0.0,
        "left_s": 9.0,
        **more,
    }


def told(take: Take, elapsed_s: float, *scenarios: dict[str, Any], begin_s: float = 4.2) -> None:
    take.add_progress(
        {
            "run_id": KEY.run_id,
            "benchmark": KEY.benchmark,
            "benchmark_s": begin_s + elapsed_s,
            "elapsed_s": elapsed_s,
            "scenarios": scenarios,
        }
    )


def line(take: Take, panel: str, name: str) -> TimeSeries:
    [found] = [series for series in take.series() if (series.panel, series.name) == (panel, name)]
    return found


def test_a_second_of_the_load_stands_where_it_was_in_the_benchmark() -> None:
    """The load began 4.2 s after the benchmark: its first second is the fifth of the benchmark."""
    take = Take(KEY)

    told(take, 1.02, scenario(recent_per_s=8.0))
    told(take, 2.01, scenario(recent_per_s=11.0))

    assert line(take, "iterations", "ended").points == ((4.0, 8.0), (5.0, 11.0))
    assert line(take, "iterations", "planned").points == ((4.0, 12.0), (5.0, 12.0))
    assert line(take, "service time of buy", "p99").points == ((4.0, 3.0), (5.0, 3.0))


def test_counts_become_what_happened_in_each_second() -> None:
    take = Take(KEY)

    told(take, 1.0, scenario(ok=40, failed=10, dropped_iterations=1))
    told(take, 2.0, scenario(ok=40, failed=10, dropped_iterations=1))
    # The report of the third second is lost.
    told(take, 4.0, scenario(ok=69, failed=11, dropped_iterations=5))

    assert line(take, "operations that ended", "buy").points == (
        (4.0, 50.0),
        (5.0, 0.0),
        (7.0, 15.0),
    )
    # 1 of the 30 operations since then: 3.3 %.
    failed = dict(line(take, "operations that failed", "buy").points)
    assert failed == pytest.approx({4.0: 20.0, 7.0: 100 / 30})
    assert line(take, "starts that were dropped", "buy").points[-1] == (7.0, 2.0)


def test_a_second_step_of_a_benchmark_follows_the_first_one_and_counts_anew() -> None:
    take = Take(KEY)

    told(take, 1.0, scenario(ok=40))
    told(take, 1.0, scenario(ok=30), begin_s=9.9)
    told(take, 2.0, scenario(ok=50), begin_s=9.9)

    assert line(take, "operations that ended", "buy").points == (
        (4.0, 40.0),
        (9.0, 30.0),
        (10.0, 20.0),
    )


def test_several_scenarios_have_lines_of_their_own_and_one_for_all() -> None:
    """Browsing has no rate in its plan, so that there is no plan for all."""
    take = Take(KEY)

    told(take, 1.0, scenario(), scenario("browse", planned_per_s=None, begins_in_s=3.0))
    told(take, 5.0, scenario(), scenario("browse", planned_per_s=None))

    names = [series.name for series in take.series() if series.panel == "iterations"]
    assert sorted(names) == ["all", "browse", "buy", "buy planned"]
    assert line(take, "iterations", "all").points == ((4.0, 10.0), (8.0, 20.0))
    assert line(take, "iterations", "browse").points == ((8.0, 10.0),)


def test_readings_are_those_that_the_report_draws_in_its_units() -> None:
    take = Take(KEY)

    take.add_readings(
        [
            (-400_000, "host", "host_cpu_percent", 12.5),
            (1_300_000, "api", "process_memory_bytes", 3.0 * 2**20),
            (1_300_000, "api/1", "process_memory_bytes", 1.0),
            (1_300_000, "", "vus_busy", 4.0),
            (1_300_000, "buy", "vus_busy", 3.0),
            (1_300_000, "host", "sampling_interval_s", 1.0),
        ]
    )

    assert [
        (series.panel, series.name, series.unit, series.points) for series in take.series()
    ] == [
        ("VUs", "busy", "VUs", ((1.0, 4.0),)),
        ("host_cpu_percent", "host", "percent", ((-1.0, 12.5),)),
        ("process_memory_bytes", "api", "MiB", ((1.0, 3.0),)),
    ]


def test_a_long_benchmark_has_fewer_points_and_keeps_its_peaks() -> None:
    """Of twice as many seconds a point stands for two: rates are means, percentiles the highest."""
    take = Take(KEY)
    for second in range(1, 2 * MOST_POINTS + 1):
        told(
            take,
            float(second),
            scenario(recent_per_s=second % 2, recent_p99_ms=second % 2),
            begin_s=0.0,
        )

    rates, p99 = line(take, "iterations", "ended"), line(take, "service time of buy", "p99")

    assert take.step_s == 2
    assert rates.points == tuple((2.0 * place, 0.5) for place in range(MOST_POINTS))
    assert {value for _, value in p99.points} == {1.0}
    assert (rates.every_s, len(p99.points)) == (2.0, MOST_POINTS)


def test_the_same_benchmark_again_has_a_name_of_its_own() -> None:
    assert (Take(KEY).label, Take(KEY, 1).label) == ("shop", "shop, re-run 1")


def test_of_many_scenarios_only_the_first_ones_have_a_plot_of_their_own() -> None:
    take = Take(KEY)

    told(take, 1.0, *(scenario(f"s{number}") for number in range(500)))

    own = {series.panel for series in take.series() if series.panel.startswith("service time of")}
    assert own == {f"service time of s{number}" for number in range(12)}


def test_plots_keep_their_shape_while_they_only_grow() -> None:
    take = Take(KEY)

    told(take, 1.0, scenario())
    first = take.shape
    told(take, 2.0, scenario(recent_p99_ms=7.0))
    second = take.shape
    told(take, 3.0, scenario(failed=1, ok=3))

    assert first == second != take.shape
