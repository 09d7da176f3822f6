"""A stored run as points for plots over many runs."""

from dataclasses import replace

from perf_pipeline.metrics.summary import Summary
from perf_pipeline.metrics.threshold import Status, Verdict, parse_threshold
from perf_pipeline.outputs.run_figures import run_points
from perf_pipeline.store.records import RunRecord

RUN = RunRecord(
    run_id="r1",
    profile="own",
    profile_json="{}",
    config_hash="",
    seed=1,
    target="here",
    trigger="cli",
    code_version="1",
    began_at="2026-11-01T00:00:00.500000+00:00",
)
DURATION = Summary(
    "http_req_duration", {"operation": "pay"}, 200, None, 1, 5.0, 4.0, 8, 9.0, 9.5, None, 10, None
)
REQUESTS = Summary("http_reqs", {}, 200, 20.0, *[None] * 9)
PASS = Verdict(parse_threshold("http_reqs", "rate>1"), 20.0, Status.PASS)


def test_figures_stand_at_the_time_when_the_run_began_and_without_its_id() -> None:
    points = list(run_points(RUN, [("shop", DURATION), ("shop", REQUESTS)], [], ()))
    figures = {
        (labels["metric"], labels["statistic"], labels.get("tags", "")): point.value
        for point in points
        if "metric" in (labels := dict(point.series.labels))
    }

    assert figures == {
        ("http_req_duration", "avg", "operation:pay"): 5.0,
        ("http_req_duration", "med", "operation:pay"): 4.0,
        ("http_req_duration", "p(95)", "operation:pay"): 9.0,
        ("http_req_duration", "p(99)", "operation:pay"): 9.5,
        ("http_reqs", "count", ""): 200,
        ("http_reqs", "rate", ""): 20.0,
    }
    # 2026-11-01 is 20,758 days after 1970-01-01.
    assert {point.at_ms for point in points} == {20_758 * 86_400_000 + 500}
    assert "r1" not in {text for point in points for _, text in point.series.labels}


def test_verdicts_are_counted_by_status_and_those_without_any_are_0() -> None:
    fail = replace(PASS, status=Status.FAIL)

    points = list(run_points(RUN, [], [("shop", PASS), ("shop", PASS), ("cart", fail)], ()))

    assert {dict(point.series.labels)["status"]: point.value for point in points} == {
        "PASS": 2, "WARN": 0, "FAIL": 1, "NO_DATA": 0, "INVALID": 0
    }  # fmt: skip


def test_figures_that_say_nothing_of_the_target_are_left_out() -> None:
    points = run_points(RUN, [("shop", REQUESTS), ("cart", REQUESTS)], [], {"shop"})

    assert {dict(point.series.labels).get("benchmark") for point in points} == {"cart", None}
