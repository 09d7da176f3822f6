from dataclasses import replace

import pytest

from perf_pipeline.analysis.bottleneck import Facts, checklist
from perf_pipeline.analysis.bottleneck_rules import RULES
from perf_pipeline.metrics.summary import Summary
from perf_pipeline.report import findings
from perf_pipeline.report.model import RunReport


def reading(metric: str, average: float, source: str) -> Summary:
    return Summary(metric, {"source": source}, 10, None, *([average] * 9))


@pytest.fixture
def busy(five_seconds: RunReport) -> RunReport:
    """Two busy benchmarks of the system, one that saturates on purpose."""
    evidence = {
        "api_user_creation": [reading("host_cpu_percent", 91.7, "host")],
        "end_to_end": [
            reading("host_cpu_percent", 99.9, "host"),
            reading("db_deadlocks", 1.0, "postgres"),
        ],
        "queue_produce": [reading("host_cpu_percent", 97.1, "host")],
    }
    return replace(five_seconds, findings=tuple(checklist(evidence, Facts(2, 1))))


def test_one_rule_over_several_benchmarks_is_one_line_with_its_advice_once(
    busy: RunReport,
) -> None:
    deadlocks, cpu, ceiling, _ = findings.lines(busy)

    assert cpu[:2] == ("FOUND", "host CPU (host)")
    assert cpu[2].startswith(
        "avg 99.9 % in end_to_end, 91.7 % in api_user_creation; bound 70 %. To do: see which part"
    )
    assert deadlocks[1] == "deadlocks (database)"
    assert ceiling == (
        "CEILING",
        "host CPU",
        "avg 97.1 % in queue_produce; reached on purpose, no problem",
    )


@pytest.mark.parametrize(
    ("doubted", "told"),
    [
        ((), "bound 70 %. To do"),
        (("end_to_end",), "bound 70 %; in end_to_end others were at work. To do"),
        (("api_user_creation",), "bound 70 %; in api_user_creation others were at work. To do"),
        (("end_to_end", "api_user_creation"), "bound 70 %; others were at work. To do"),
    ],
)
def test_a_remark_names_the_benchmarks_that_it_is_about(
    busy: RunReport, doubted: tuple[str, ...], told: str
) -> None:
    marked = tuple(
        (name, replace(finding, remark="others were at work" if name in doubted else ""))
        for name, finding in busy.findings
    )

    _, cpu, *_ = findings.lines(replace(busy, findings=marked))

    assert told in cpu[2]


def test_what_fails_comes_before_what_warns(busy: RunReport) -> None:
    assert [group.worst.severity for group in findings.found(busy)] == ["fail", "warn"]


def test_the_tally_counts_rules_and_not_benchmarks(busy: RunReport) -> None:
    assert findings.tally(busy) == "bottlenecks: 13 rules, 2 found, 0 OK, 11 without evidence"


def test_a_part_that_is_not_there_is_named_and_not_counted_as_fine(
    five_seconds: RunReport,
) -> None:
    everything_else = [
        Summary(rule.metric, {"source": rule.source or "x"}, 9, None, *([0.0] * 9))
        for rule in RULES
        if rule.name != "Redis memory"
    ]
    samples = [replace(summary, tags={}) for summary in everything_else]
    checked = checklist({"end_to_end": [*everything_else, *samples]}, Facts())
    report = replace(five_seconds, findings=tuple(checked))

    assert findings.lines(report) == [
        ("NOT_APPLICABLE", "checklist", "this run has no readings for Redis memory")
    ]
    assert findings.tally(report).endswith("12 OK, 1 without evidence")
