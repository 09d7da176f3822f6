import pytest

from perf_pipeline.analysis.bottleneck import Facts, Finding, FindingStatus, bottlenecks
from perf_pipeline.analysis.bottleneck_rules import RULES
from perf_pipeline.metrics.catalog import CATALOG
from perf_pipeline.metrics.summary import Summary


def of(metric: str, value: float | None, **tags: str) -> Summary:
    """Every statistic has the same value."""
    return Summary(metric, tags, 10, None, *([value] * 9))


def finding(rule: str, summaries: list[Summary], facts: Facts | None = None) -> Finding:
    return next(found for found in bottlenecks(summaries, facts) if found.rule == rule)


@pytest.mark.parametrize(
    ("rule", "metric", "source", "bound"),
    [
        # the checklist of PRODUCT 1.11, in the metrics' units
        ("API latency", "http_req_duration", "", 1_000),
        ("database CPU", "process_cpu_percent", "postgres", 80),
        ("database connections", "db_connections_ratio", "postgres", 320 / 400),
        ("consumer lag", "consumer_lag", "birthday-messages", 1_000),
        ("worker CPU", "process_cpu_percent", "worker", 70),
        ("Redis memory", "redis_memory_bytes", "redis", 1.5e9),
        ("network", "host_network_bytes_per_s", "host", 100e6 / 8),
        ("host CPU", "host_cpu_percent", "host", 70),
        ("host memory", "host_memory_percent", "host", 80),
        ("query duration", "db_query_duration", "", 100),
        ("statement time", "db_statement_mean_ms", "postgres", 100),
        ("lock waits", "db_locks_waiting", "postgres", 0),
        ("deadlocks", "db_deadlocks", "postgres", 0),
    ],
)
def test_each_line_of_the_checklist_is_found_above_its_bound_only(
    rule: str, metric: str, source: str, bound: float
) -> None:
    tags = {"source": source} if source else {}

    assert finding(rule, [of(metric, bound, **tags)]).status is FindingStatus.OK
    assert finding(rule, [of(metric, bound * 1.01 + 0.01, **tags)]).status is FindingStatus.FOUND


def test_the_checklist_has_thirteen_lines_with_catalogued_metrics_and_advice() -> None:
    assert len(RULES) == 13
    assert all(rule.metric in CATALOG and rule.advice for rule in RULES)


def test_no_evidence_is_not_applicable_and_never_found() -> None:
    assert {found.status for found in bottlenecks([])} == {FindingStatus.NOT_APPLICABLE}


@pytest.mark.parametrize("value", [None, float("nan"), float("inf")])
def test_evidence_that_is_no_number_does_not_count(value: float | None) -> None:
    assert finding("host CPU", [of("host_cpu_percent", value, source="host")]).observed is None


def test_database_cpu_is_a_share_of_the_machine_and_worker_cpu_of_one_worker() -> None:
    evidence = [
        of("process_cpu_percent", 150.0, source="postgres"),
        of("process_cpu_percent", 150.0, source="worker"),
    ]
    facts = Facts(cores=2, worker_processes=3)

    assert finding("database CPU", evidence, facts).observed == 75
    assert finding("worker CPU", evidence, facts).observed == 50


def test_loopback_traffic_is_no_network_bottleneck() -> None:
    evidence = [of("host_network_bytes_per_s", 1e9, source="lo")]

    assert finding("network", evidence).status is FindingStatus.NOT_APPLICABLE


def test_one_scenario_alone_is_no_evidence_for_the_whole_api() -> None:
    evidence = [of("http_req_duration", 5_000.0, scenario="create")]

    assert finding("API latency", evidence).status is FindingStatus.NOT_APPLICABLE


def test_the_worst_benchmark_of_a_run_counts() -> None:
    evidence = [of("http_req_duration", 400.0), of("http_req_duration", 1_400.0)]

    assert finding("API latency", evidence).observed == 1_400


def test_a_finding_says_what_was_looked_at_and_what_to_do() -> None:
    found = finding("worker CPU", [of("process_cpu_percent", 90.0, source="worker")])

    assert found.evidence == "process_cpu_percent{source:worker} p95 per worker"
    assert found.unit == "percent"
    assert found.advice.startswith("profile the worker")


def test_a_machine_without_cores_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one core"):
        bottlenecks([], Facts(cores=0))
