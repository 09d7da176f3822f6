"""Every percentile and every judged figure agrees with k6, through the real SQL.

Expected values were produced by running grafana/k6 (the commit stands in the data file).
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from perf_pipeline.metrics.catalog import CATALOG
from perf_pipeline.metrics.sample import Figure, Outcome, Reading
from perf_pipeline.metrics.threshold import Status, parse_threshold
from perf_pipeline.store.history import History, open_history
from perf_pipeline.store.records import RunKey
from perf_pipeline.store.statistics import summaries_of
from perf_pipeline.store.windows import measured_windows
from perf_pipeline_tests.support.histories.spool import Spool, complete, sample

_CASES: Final = json.loads(
    Path(__file__).with_name("k6_statistics_cases.json").read_text(encoding="utf-8")
)
_METRIC: Final = {
    "trend": "host_cpu_percent",
    "counter": "data_sent",
    "gauge": "produce_rate",
    "rate": "success",
}


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    """Open one history for all cases; each case is a run of its own in it."""
    with open_history(tmp_path_factory.mktemp("k6") / "history.duckdb") as opened:
        yield opened


def _ingested(
    history: History, spool: Path, case_id: str, kind: str, values: list[float], measured_s: float
) -> RunKey:
    """Put values where a metric of this kind comes from."""
    run = replace(_spool(kind, values, measured_s), run_id=case_id).write(spool)
    history.ingest(run, "api")
    return RunKey(case_id, "api")


def _spool(kind: str, values: list[float], measured_s: float) -> Spool:
    outcome = complete(measured_s=measured_s)
    if kind == "trend":
        readings = [Reading(n, "host", "host_cpu_percent", value) for n, value in enumerate(values)]
        return Spool(readings=readings, outcome=outcome)
    if kind == "gauge":
        figures = [Figure("produce_rate", value) for value in values]
        return Spool(figures=figures, outcome=outcome)
    if kind == "rate":
        outcomes = [Outcome.OK if value else Outcome.FAILED for value in values]
        return Spool(samples=[sample(outcome=ending) for ending in outcomes], outcome=outcome)
    return Spool(samples=[sample(bytes_out=int(value)) for value in values], outcome=outcome)


@pytest.mark.parametrize("case", _CASES["percentile"], ids=lambda case: case["id"])
def test_a_percentile_is_the_one_of_k6(
    case: dict[str, Any], history: History, tmp_path: Path
) -> None:
    values, expected = case["input"]["values"], case["expected"]
    threshold = parse_threshold("host_cpu_percent", f"p({case['input']['p']})<1")
    key = _ingested(history, tmp_path, case["id"], "trend", values, 1.0)
    observed = history.observe(key, threshold)
    # Of this metric alone: the others have no data here.
    windows = measured_windows(history.connection, key)
    found = summaries_of(history.connection, key, [CATALOG["host_cpu_percent"]], windows)
    summaries = {
        (summary.metric, *summary.tags): summary for summary in found.get("host_cpu_percent", ())
    }

    if not values:  # k6 says 0 here, and lets thresholds like p(95)<1000 pass on nothing
        assert observed is None
        assert ("host_cpu_percent",) not in summaries
        return
    assert observed == pytest.approx(expected["value"], rel=1e-12, abs=1e-12)
    summary = summaries["host_cpu_percent",]
    shown = (summary.average, summary.count, summary.maximum, summary.median, summary.minimum)
    wanted = tuple(expected[name] for name in ("avg", "count", "max", "med", "min"))
    assert shown == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("case", _CASES["eval"], ids=lambda case: case["id"])
def test_a_threshold_is_judged_as_k6_judges_it(
    case: dict[str, Any], history: History, tmp_path: Path
) -> None:
    given, expected = case["input"], case["expected"]
    kind, values = given["metric_type"], given["samples"]
    try:
        threshold = parse_threshold(_METRIC[kind], given["expression"])
    except ValueError:
        assert expected["lhs"] is None  # k6 skips such a threshold; we refuse it before the load
        return
    seconds = given["duration_ms"] / 1000
    key = _ingested(history, tmp_path, case["id"], kind, values, seconds)
    observed = history.observe(key, threshold)

    if not values or expected["lhs"] is None:  # k6 passes or fails on zero; no data is NO_DATA here
        assert observed is None
        assert threshold.judge(observed).status is Status.NO_DATA
        return
    assert observed == pytest.approx(expected["lhs"], rel=1e-12)
    assert (threshold.judge(observed).status is Status.PASS) == expected["pass"]


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
    tags: str, numbers: set[int], history: History, tmp_path: Path
) -> None:
    samples = [
        sample(scenario="a", operation="get", status=200, bytes_out=1),
        sample(scenario="b", operation="get", status=200, bytes_out=2),
        sample(scenario="a", operation="put", status=2000, bytes_out=4),
    ]
    run = Spool(f"filter {tags}", samples=samples, outcome=complete())
    history.ingest(run.write(tmp_path), "api")

    observed = history.observe(
        RunKey(run.run_id, "api"), parse_threshold(f"data_sent{{{tags}}}", "count>0")
    )

    # each sample sends another power of 2, so that the sum says which were taken
    assert (observed or 0) == sum(2**number for number in numbers)
