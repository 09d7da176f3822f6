"""A report's lines over time come from the raw rows of the history."""

from pathlib import Path

from perf_pipeline.metrics.sample import Outcome, Reading
from perf_pipeline.store.history import open_history
from perf_pipeline.store.plots import Plot
from perf_pipeline_tests.support.histories.spool import KEY, Spool, complete, sample


def test_load_and_resources_are_drawn_over_time(tmp_path: Path) -> None:
    second_two = {"intended_us": 2_000_000, "started_us": 2_000_000}
    spool = Spool(
        samples=[
            sample(10),
            sample(10),
            sample(30, **second_two, outcome=Outcome.FAILED),  # type: ignore[arg-type]  # by name
        ],
        readings=[
            Reading(500_000, "host", "host_cpu_percent", 12.5),
            Reading(1_500_000, "topic", "consumer_lag", 3.0),
            Reading(1_500_000, "topic/0", "consumer_lag", 2.0),
        ],
        outcome=complete(),
    )
    with open_history(tmp_path / "history.duckdb") as history:
        history.ingest(spool.write(tmp_path), "api")
        plots = history.plots(KEY)

    assert plots == [
        Plot("operations", "1/s", ((1.0, 2.0), (2.0, 1.0))),
        Plot("response time p(95)", "ms", ((1.0, 10.0), (2.0, 30.0))),
        Plot("failed", "percent", ((1.0, 0.0), (2.0, 100.0))),
        Plot("consumer_lag topic", "messages", ((1.5, 3.0),)),
        Plot("host_cpu_percent host", "percent", ((0.5, 12.5),)),
    ]


def test_a_benchmark_without_rows_has_no_plots(tmp_path: Path) -> None:
    with open_history(tmp_path / "history.duckdb") as history:
        history.ingest(Spool(outcome=complete()).write(tmp_path), "api")

        assert history.plots(KEY) == []
