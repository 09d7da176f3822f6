import math
from dataclasses import replace

import pytest

from perf_pipeline.analysis.bottleneck import Facts, bottlenecks, checklist
from perf_pipeline.analysis.bottleneck_rules import RULES
from perf_pipeline.analysis.finding import Finding, FindingStatus
from perf_pipeline.metrics.catalog import CATALOG
from perf_pipeline.metrics.summary import Summary


def of(metric: str, value: float | None, **tags: str) -> Summary:
    """Every statistic has the same value."""
    return Summary(metric, tags, 10, None, *([value] * 9))


def over_time(metric: str, average: float, maximum: float, **tags: str) -> Summary:
    return replace(of(metric, average, **tags), maximum=maximum)


def by_rule(evidence: dict[str, list[Summary]], rule: str) -> list[tuple[str, FindingStatus]]:
    return [(name, entry.status) for name, entry in checklist(evidence) if entry.rule == rule]


def finding(rule: str, summaries: list[Summary], facts: Facts | None = None) -> Finding:
    return next(found for found in bottlenecks(summaries, facts) if found.rule == rule)


@pytest.mark.parametrize(
    ("rule", "metric", "source", "bound"),
    [
        # the checklist as it was asked for, in the metrics' units
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
    just_above = math.nextafter(bound, math.inf)

    assert finding(rule, [of(metric, bound, **tags)]).status is FindingStatus.OK
    assert finding(rule, [of(metric, just_above, **tags)]).status is FindingStatus.FOUND


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


def test_a_tier_that_the_target_names_is_a_share_of_its_own_cores() -> None:
    evidence = [
        of("process_cpu_percent", 150.0, source="postgres"),
        of("process_cpu_percent", 720.0, source="database"),
        of("process_cores", 8.0, source="database"),
        of("process_cpu_percent", 300.0, source="worker"),
        of("process_cores", 4.0, source="worker"),
    ]
    facts = Facts(cores=2, worker_processes=1)

    # 720 % of 8 cores is 90 %, more than 150 % of the 2 cores here; 300 % of 4 is 75 %.
    assert finding("database CPU", evidence, facts).observed == 90
    assert finding("worker CPU", evidence, facts).observed == 75


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

    assert found.evidence == "process_cpu_percent{source:worker} avg per worker"
    assert found.unit == "percent"
    assert found.advice.startswith("profile the worker")


def test_a_machine_without_cores_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one core"):
        bottlenecks([], Facts(cores=0))


@pytest.mark.parametrize(
    ("rule", "metric", "source"),
    [
        ("host CPU", "host_cpu_percent", "host"),
        ("host memory", "host_memory_percent", "host"),
        ("database CPU", "process_cpu_percent", "postgres"),
        ("worker CPU", "process_cpu_percent", "worker"),
    ],
)
def test_a_full_second_is_no_bottleneck_where_the_average_is_low(
    rule: str, metric: str, source: str
) -> None:
    assert finding(rule, [over_time(metric, 40.0, 100.0, source=source)]).observed == 40.0


def test_one_deadlock_or_one_long_queue_counts_however_low_the_average() -> None:
    assert finding("deadlocks", [over_time("db_deadlocks", 0.1, 1.0)]).observed == 1.0
    assert finding("consumer lag", [over_time("consumer_lag", 10.0, 5e3)]).observed == 5e3


def test_the_backlog_of_a_queue_benchmark_is_no_evidence_about_the_system() -> None:
    backlog = [of("consumer_lag", 8_283.0, source="perf-pipeline-consumers")]
    calm = [of("consumer_lag", 14.0, source="birthday-workers")]
    evidence = {"queue_produce": backlog, "queue_consume": backlog, "end_to_end": calm}

    assert by_rule(evidence, "consumer lag") == [("", FindingStatus.OK)]
    assert by_rule({"end_to_end": backlog}, "consumer lag") == [("end_to_end", FindingStatus.FOUND)]


def test_a_benchmark_that_saturates_on_purpose_gives_a_ceiling_and_the_system_its_own_line() -> (
    None
):
    busy = [of("process_cpu_percent", 95.0, source="postgres")]
    calm = [of("process_cpu_percent", 20.0, source="postgres")]

    assert by_rule({"database_benchmark": busy, "end_to_end": calm}, "database CPU") == [
        ("database_benchmark", FindingStatus.CEILING),
        ("", FindingStatus.OK),
    ]
    assert by_rule({"database_benchmark": busy}, "database CPU") == [
        ("database_benchmark", FindingStatus.CEILING)
    ]


def test_a_rule_that_only_a_saturating_benchmark_can_check_is_told_by_it() -> None:
    evidence = {"database_benchmark": [of("db_query_duration", 5.0)], "end_to_end": []}

    assert by_rule(evidence, "query duration") == [("", FindingStatus.OK)]


def test_findings_come_before_ceilings_and_these_before_the_rest() -> None:
    busy = [of("host_cpu_percent", 95.0, source="host")]
    statuses = [
        entry.status for _, entry in checklist({"queue_produce": busy, "day_simulation": busy})
    ]

    assert statuses[:2] == [FindingStatus.FOUND, FindingStatus.CEILING]
    assert set(statuses[2:]) == {FindingStatus.NOT_APPLICABLE}


@pytest.mark.parametrize(
    ("postgres", "remark"),
    [
        # 2 cores: (30 + 10) / 2 = 20 % of the machine
        (30.0, "the system and the load generator used only 20 % of this machine: "),
        (150.0, ""),
    ],
)
def test_a_machine_that_something_else_keeps_busy_is_told_apart(
    postgres: float, remark: str
) -> None:
    evidence = [
        of("host_cpu_percent", 95.0, source="host"),
        of("process_cpu_percent", postgres, source="postgres"),
        of("process_cpu_percent", 10.0, source="api"),
    ]
    found = finding("host CPU", evidence, Facts(cores=2))

    assert found.remark.startswith(remark)
    assert bool(found.remark) == bool(remark)


def test_a_latency_on_a_machine_that_something_else_keeps_busy_is_measured_again_first() -> None:
    evidence = [
        of("host_cpu_percent", 95.0, source="host"),
        of("process_cpu_percent", 10.0, source="api"),
        of("http_req_duration", 1_500.0),
        of("db_locks_waiting", 3.0),
    ]

    slow, locks = (finding(rule, evidence) for rule in ("API latency", "lock waits"))

    assert slow.remark == (
        "something else kept this machine busy meanwhile, so measure again without it first"
    )
    assert locks.remark == ""  # no other work makes two transactions want the same row
