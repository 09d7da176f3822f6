import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from perf_pipeline.metrics.threshold import parse_threshold
from perf_pipeline.report.k6 import benchmark_summary, render_k6, run_summary
from perf_pipeline.report.model import BenchmarkReport, RunReport

REAL = Path(__file__).parent / "cases" / "k6_handle_summary_legacy.json"  # written by k6 v2.2


def of_benchmark(benchmark: BenchmarkReport) -> Any:
    return json.loads(json.dumps(benchmark_summary(benchmark), allow_nan=False))


def test_a_benchmark_has_the_shape_of_a_real_summary_of_k6(api: BenchmarkReport) -> None:
    real, ours = json.loads(REAL.read_text()), of_benchmark(api)

    assert set(ours) == set(real)
    assert set(ours["root_group"]) == set(real["root_group"])
    assert set(ours["state"]) == set(real["state"])
    assert set(ours["options"]) == set(real["options"])
    for name in ("http_req_duration", "http_reqs", "http_req_failed"):
        metric = ours["metrics"][name]
        for field in ("type", "contains"):
            assert metric[field] == real["metrics"][name][field]
        assert set(metric["values"]) >= set(real["metrics"][name]["values"])
    assert set(ours["root_group"]["checks"][0]) == set(real["root_group"]["checks"][0])


def test_groups_and_checks_are_named_by_the_md5_that_k6_gives_them(api: BenchmarkReport) -> None:
    real, ours = json.loads(REAL.read_text()), of_benchmark(api)

    assert ours["root_group"]["id"] == real["root_group"]["id"]
    assert ours["root_group"]["checks"][0]["id"] == real["root_group"]["checks"][0]["id"]


def test_values_and_thresholds_are_those_of_the_run(api: BenchmarkReport) -> None:
    metrics = of_benchmark(api)["metrics"]

    assert metrics["http_req_duration"]["values"]["p(95)"] == 4.0
    assert metrics["http_req_failed"]["values"] == {"rate": 0.010004, "passes": 60, "fails": 5940}
    assert metrics["http_req_failed"]["thresholds"] == {
        "rate<0.01": {"ok": False, "status": "FAIL"}
    }
    assert metrics["http_req_duration{scenario:create}"]["thresholds"]["p(99)<2000"]["ok"]
    assert of_benchmark(api)["root_group"]["checks"][0]["passes"] == 5_400
    assert of_benchmark(api)["state"]["testRunDurationMs"] == 60_000


def test_a_run_keeps_benchmarks_apart_and_gives_plain_names_where_only_one_has_them(
    full: RunReport, api: BenchmarkReport
) -> None:
    again = replace(api, name="api_mixed_operations")
    document = json.loads(render_k6(replace(full, benchmarks=(*full.benchmarks, again))))

    assert "http_req_duration" not in document["metrics"]
    assert "http_req_duration{benchmark:api_user_creation}" in document["metrics"]
    assert (
        "http_req_duration{benchmark:api_mixed_operations,scenario:create}" in document["metrics"]
    )
    assert document["metrics"]["message_latency"]["values"]["p(95)"] == 12.0
    assert [group["name"] for group in document["root_group"]["groups"]] == [
        "api_user_creation",
        "database_benchmark",
        "day_simulation",
        "api_mixed_operations",
    ]
    assert document["perf_pipeline"]["exit_code"] == 99
    assert document["perf_pipeline"]["diffs"][0]["status"] == "REGRESSED"
    [found] = [
        bottleneck
        for bottleneck in document["perf_pipeline"]["bottlenecks"]
        if bottleneck["status"] == "FOUND"
    ]
    assert found["benchmark"] == "end_to_end"
    assert found["advice"]


@pytest.mark.parametrize("kind", ["full", "five_seconds", "aborted", "empty"])
def test_every_kind_of_run_is_json(kind: str, request: pytest.FixtureRequest) -> None:
    report: RunReport = request.getfixturevalue(kind)

    text = render_k6(report)
    document = json.loads(text)
    assert document == json.loads(json.dumps(run_summary(report)))
    assert document["perf_pipeline"]["run_id"] == report.run_id
    # `grep` shows a metric whole, and its benchmark is some lines above.
    lines = [line.strip().removesuffix(",") for line in text.splitlines()]
    for name, section in document["benchmarks"].items():
        assert f'"{name}": {{' in lines
        for metric, content in section["metrics"].items():
            assert f'"{metric}": {json.dumps(content, ensure_ascii=False)}' in lines


def test_a_threshold_without_data_is_not_ok(aborted: RunReport) -> None:
    metrics = of_benchmark(aborted.benchmarks[1])["metrics"]

    assert metrics["db_queries"]["values"] == {}
    assert metrics["db_queries"]["thresholds"] == {"count>0": {"ok": False, "status": "NO_DATA"}}


def test_nan_and_infinity_never_enter_the_json(
    five_seconds: RunReport, api: BenchmarkReport
) -> None:
    broken = replace(
        api,
        measured_s=math.inf,
        verdicts=(parse_threshold("http_reqs", "rate>1").judge(math.nan),),
        summaries=tuple(
            replace(summary, count=math.nan, rate=math.inf, p95=math.nan)
            for summary in api.summaries
        ),
    )
    text = render_k6(replace(five_seconds, benchmarks=(broken,)))

    assert "NaN" not in text
    assert "Infinity" not in text
    assert "p(95)" not in json.loads(text)["metrics"]["http_req_duration"]["values"]
