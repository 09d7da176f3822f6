"""What Dagster shows of a search for a capacity."""

import dagster as dg

from perf_pipeline.config.given_profiles import benchmarks_of
from perf_pipeline.config.loading import validate_profile
from perf_pipeline.defs.metadata.benchmarks import benchmark_metadata
from perf_pipeline.report.model import BenchmarkReport, BenchmarkStatus
from perf_pipeline_tests.support.scaled import scaled
from perf_pipeline_tests.support.searched import searched


def test_a_search_shows_its_answer_its_knee_and_its_windows() -> None:
    found = searched()
    report = BenchmarkReport("much", BenchmarkStatus.COMPLETED, 90.0, 70.0, capacity=found)
    shown = benchmark_metadata("r1", report, {})

    assert shown["capacity"].value == found.sentence
    assert "data:image/svg+xml;base64," in str(shown["knee"].value)
    windows = shown["windows"]
    assert isinstance(windows, dg.TableMetadataValue)
    assert len(windows.records) == len(found.windows)


def test_a_scaling_run_shows_its_answer_its_curve_and_its_points() -> None:
    found = scaled()
    report = BenchmarkReport("grows", BenchmarkStatus.COMPLETED, 90.0, 70.0, scaling=found)
    shown = benchmark_metadata("r1", report, {})

    assert shown["scaling"].value == found.sentence
    assert "data:image/svg+xml;base64," in str(shown["curve"].value)
    units = shown["units"]
    assert isinstance(units, dg.TableMetadataValue)
    assert [record.data["units"] for record in units.records] == ["1", "2", "4"]
    assert not {"capacity", "knee", "windows"} & shown.keys()


def test_any_other_benchmark_shows_none_of_it() -> None:
    report = BenchmarkReport("load", BenchmarkStatus.COMPLETED, 9.0, 7.0)

    names = {"capacity", "knee", "windows", "scaling", "curve", "units"}
    assert not names & benchmark_metadata("r1", report, {}).keys()


def test_the_asset_of_a_search_says_what_it_finds_and_talks_to_what_it_searches() -> None:
    steps = {"steps": [{"name": "ok", "path": "/ok"}]}
    open_model = {"executor": "constant-arrival-rate", "rate": 5, "duration": "5s"}
    buy = {**open_model, "preAllocatedVUs": 2, "exec": "http_steps", "parameters": steps}
    profile = validate_profile(
        {
            "name": "mine",
            "benchmarks": {
                "shop": {"scenarios": {"buy": buy}},
                "much": {"capacity": {"of": "shop"}},
                "grows": {
                    "capacity": {"of": "shop"},
                    "scaling": {"run": "scale {n}", "usual": 1},
                },
            },
        },
        "mine.toml",
    )
    [_, much, grows] = benchmarks_of([profile])

    assert much.summary == "Find the highest rate that shop carries."
    assert much.kinds == frozenset({"http"})
    assert much.after == "shop"
    assert grows.summary == "Find how the highest rate that shop carries grows with units."
