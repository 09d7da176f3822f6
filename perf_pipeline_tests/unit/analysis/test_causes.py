"""What became worse is told as one finding for each cause that may be behind it."""

from dataclasses import replace

from perf_pipeline.analysis.baseline import BaselinePolicy, Diff, DiffStatus, Series, diff
from perf_pipeline.analysis.causes import Cause, causes

POLICY = BaselinePolicy()
CALM = [3.0, 3.1, 2.9, 3.05, 2.95, 3.0, 3.1, 2.9]


def regressed(
    metric: str = "http_req_duration", statistic: str = "p(95)", by: float = 1.5, **tags: str
) -> Diff:
    found = diff(Series(metric, tags, statistic), 3 * by, [*CALM, 3 * by], POLICY)
    assert found.status is DiffStatus.REGRESSED
    return found


def labels(cause: Cause) -> list[str]:
    return [
        f"{name} {comparison.series.label}" for name, comparison in (cause.leading, *cause.others)
    ]


def test_a_slower_api_is_one_finding_over_percentiles_operations_and_benchmarks() -> None:
    (found,) = causes(
        [
            ("mixed", regressed(statistic="med", operation="read")),
            ("mixed", regressed()),
            ("creation", regressed(statistic="med")),
            ("creation", replace(regressed(), status=DiffStatus.SUSPECT)),
            ("creation", replace(regressed(), status=DiffStatus.OK)),
        ]
    )

    assert (found.tier, found.status, found.also_regressed) == ("api", DiffStatus.REGRESSED, 2)
    assert labels(found) == [
        "mixed http_req_duration p(95)",
        "mixed http_req_duration{operation:read} med",
        "creation http_req_duration med",
        "creation http_req_duration p(95)",
    ]


def test_the_operation_that_is_slower_leads_and_not_the_whole_that_it_is_part_of() -> None:
    (found,) = causes(
        [("shop", regressed(by=1.2)), ("shop", regressed(by=3.0, operation="shop::list"))]
    )

    assert labels(found)[0] == "shop http_req_duration{operation:shop::list} p(95)"


def test_tiers_are_findings_of_their_own_and_so_are_failures() -> None:
    failed = diff(
        Series("http_req_failed", {}, "rate"), 0.2, [0.0] * 8 + [0.2], POLICY, requests=5_000
    )
    found = causes(
        [
            ("shop", replace(regressed("db_query_duration"), status=DiffStatus.SUSPECT)),
            ("shop", regressed()),
            ("shop", failed),
        ]
    )

    assert failed.status is DiffStatus.REGRESSED
    assert [(cause.tier, cause.status) for cause in found] == [
        ("api", DiffStatus.REGRESSED),
        ("api", DiffStatus.REGRESSED),
        ("database", DiffStatus.SUSPECT),
    ]


def test_what_every_tier_moves_belongs_to_the_only_finding_of_its_benchmark() -> None:
    whole = regressed("message_latency")

    (joined,) = causes([("day", regressed("db_query_duration")), ("day", whole)])
    elsewhere = causes([("database", regressed("db_query_duration")), ("day", whole)])
    either = causes([("day", regressed("db_query_duration")), ("day", regressed()), ("day", whole)])

    assert labels(joined) == ["day db_query_duration p(95)", "day message_latency p(95)"]
    assert [cause.tier for cause in elsewhere] == ["database", ""]
    assert [cause.tier for cause in either] == ["database", "api", ""]


def test_a_pinned_release_is_a_question_of_its_own() -> None:
    of_release = replace(regressed(), against="v1", pinned=3.0)

    found = causes([("shop", regressed()), ("shop", of_release)])

    assert [cause.leading[1].against for cause in found] == ["", "v1"]


def test_a_run_in_line_has_no_finding() -> None:
    assert causes([("shop", replace(regressed(), status=DiffStatus.IMPROVED))]) == ()
    assert causes([]) == ()
