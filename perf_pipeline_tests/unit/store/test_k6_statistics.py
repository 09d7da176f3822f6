"""Every percentile and every judged figure agrees with k6, through the real SQL.

Expected values were produced by running grafana/k6 (the commit stands in the data file).
"""

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from perf_pipeline.metrics.catalog import CATALOG
from perf_pipeline.metrics.sample import Figure, Outcome, Reading
from perf_pipeline.metrics.summary import Summary
from perf_pipeline.metrics.threshold import Status, Threshold, parse_threshold
from perf_pipeline.store.history import History
from perf_pipeline.store.records import RunKey, ScenarioCounts
from perf_pipeline.store.statistics import summaries_of
from perf_pipeline.store.windows import measured_windows
from perf_pipeline_tests.support.histories.new_history import history_at
from perf_pipeline_tests.support.histories.spool import Spool, complete, counts, sample

_CASES: Final = json.loads(
    Path(__file__).with_name("k6_statistics_cases.json").read_text(encoding="utf-8")
)
_METRIC: Final = {
    "trend": "host_cpu_percent",
    "counter": "data_sent",
    "gauge": "produce_rate",
    "rate": "success",
}


_TAG: Final = {
    "trend": "source",
    "counter": "operation",
    "gauge": "operation",
    "rate": "operation",
}


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    """Store all cases of a duration as one run, in which each has a tag of its own."""
    folder = tmp_path_factory.mktemp("k6")
    by_seconds: dict[float, list[Spool]] = defaultdict(list)
    for case in _CASES["percentile"]:
        by_seconds[1.0].append(_spool(case["id"], "trend", case["input"]["values"]))
    for case in _CASES["eval"]:
        given = case["input"]
        rows = _spool(case["id"], given["metric_type"], given["samples"])
        by_seconds[given["duration_ms"] / 1000].append(rows)
    with history_at(folder / "history.duckdb") as opened:
        for seconds, cases in by_seconds.items():
            run = Spool(
                _key(seconds).run_id,
                samples=[row for case in cases for row in case.samples],
                readings=[row for case in cases for row in case.readings],
                figures=[row for case in cases for row in case.figures],
                outcome=complete(_window(seconds), measured_s=seconds),
            )
            opened.ingest(run.write(folder / "spool"), "api")
        yield opened


def _window(seconds: float) -> ScenarioCounts:
    """Let the scenario of the samples be measured as long as k6's run."""
    whole = counts()
    until_us = whole.measured_from_us + round(seconds * 1e6)
    return replace(whole, measured_until_us=until_us)


def _key(seconds: float) -> RunKey:
    return RunKey(f"{seconds:g} s", "api")


def _spool(case_id: str, kind: str, values: list[float]) -> Spool:
    """Put values where a metric of this kind comes from."""
    if kind == "trend":
        return Spool(
            readings=[
                Reading(n, case_id, "host_cpu_percent", value) for n, value in enumerate(values)
            ]
        )
    if kind == "gauge":
        return Spool(figures=[Figure("produce_rate", value, operation=case_id) for value in values])
    if kind == "rate":
        outcomes = [Outcome.OK if value else Outcome.FAILED for value in values]
        return Spool(samples=[sample(outcome=ending, operation=case_id) for ending in outcomes])
    return Spool(samples=[sample(bytes_out=int(value), operation=case_id) for value in values])


def _threshold(case_id: str, kind: str, expression: str) -> Threshold:
    """Ask for the figure of one case alone; test_figures asks without a filter."""
    return parse_threshold(f"{_METRIC[kind]}{{{_TAG[kind]}:{case_id}}}", expression)


@pytest.fixture(scope="module")
def summaries(history: History) -> dict[str, Summary]:
    """Give the summaries of the cases of percentiles, by case."""
    key = _key(1.0)
    windows = measured_windows(history.connection, key)
    found = summaries_of(history.connection, key, [CATALOG["host_cpu_percent"]], windows)
    return {
        summary.tags["source"]: summary
        for summary in found["host_cpu_percent"]
        if "source" in summary.tags
    }


@pytest.mark.parametrize("case", _CASES["percentile"], ids=lambda case: case["id"])
def test_a_percentile_is_the_one_of_k6(
    case: dict[str, Any], history: History, summaries: dict[str, Summary]
) -> None:
    values, expected = case["input"]["values"], case["expected"]
    threshold = _threshold(case["id"], "trend", f"p({case['input']['p']})<1")
    observed = history.observe(_key(1.0), threshold)

    if not values:  # k6 says 0 here, and lets thresholds like p(95)<1000 pass on nothing
        assert observed is None
        assert case["id"] not in summaries
        return
    assert observed == pytest.approx(expected["value"], rel=1e-12, abs=1e-12)
    summary = summaries[case["id"]]
    shown = (summary.average, summary.count, summary.maximum, summary.median, summary.minimum)
    wanted = tuple(expected[name] for name in ("avg", "count", "max", "med", "min"))
    assert shown == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("case", _CASES["eval"], ids=lambda case: case["id"])
def test_a_threshold_is_judged_as_k6_judges_it(case: dict[str, Any], history: History) -> None:
    given, expected = case["input"], case["expected"]
    kind, values = given["metric_type"], given["samples"]
    try:
        threshold = _threshold(case["id"], kind, given["expression"])
    except ValueError:
        assert expected["lhs"] is None  # k6 skips such a threshold; we refuse it before the load
        return
    observed = history.observe(_key(given["duration_ms"] / 1000), threshold)

    if not values or expected["lhs"] is None:  # k6 passes or fails on zero; no data is NO_DATA here
        assert observed is None
        assert threshold.judge(observed).status is Status.NO_DATA
        return
    assert observed == pytest.approx(expected["lhs"], rel=1e-12)
    assert (threshold.judge(observed).status is Status.PASS) == expected["pass"]


@pytest.fixture(scope="module")
def filtered(history: History, tmp_path_factory: pytest.TempPathFactory) -> RunKey:
    """Store three samples, each of which sends another power of 2."""
    samples = [
        sample(scenario="a", operation="get", status=200, bytes_out=1),
        sample(scenario="b", operation="get", status=200, bytes_out=2),
        sample(scenario="a", operation="put", status=2000, bytes_out=4),
    ]
    run = Spool("filtered", samples=samples, outcome=complete())
    history.ingest(run.write(tmp_path_factory.mktemp("filtered")), "api")
    return RunKey(run.run_id, "api")


@pytest.mark.parametrize(
    ("tags", "numbers"),
    [
        # k6 (T005): status:200 is not 2000; all named tags must be there, with exactly these values
        ("status:200", {0, 1}),
        ("status:2000", {2}),
        ("scenario:a,status:200", {0}),
        ("status:200, scenario:'a'", {0}),
        ("scenario:a", {0, 2}),
        ("scenario:a,operation:get,status:200", {0}),
        ("scenario:a,operation:ge", set()),
    ],
)
def test_a_filter_takes_the_samples_that_have_all_its_tags(
    tags: str, numbers: set[int], history: History, filtered: RunKey
) -> None:
    observed = history.observe(filtered, parse_threshold(f"data_sent{{{tags}}}", "count>0"))

    # the sum says which samples were taken
    assert (observed or 0) == sum(2**number for number in numbers)
