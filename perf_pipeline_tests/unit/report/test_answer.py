from dataclasses import replace
from typing import Any

import pytest

from perf_pipeline.metrics.threshold import parse_threshold
from perf_pipeline.report.answer import million_a_day
from perf_pipeline.report.model import BenchmarkReport, BenchmarkStatus, RunReport


def answer(report: RunReport, day: BenchmarkReport) -> str:
    return str(million_a_day(replace(report, benchmarks=(day,))))


def with_figure(day: BenchmarkReport, metric: str, value: float | None) -> BenchmarkReport:
    """Give a figure another value, or take it out."""
    kept = tuple(
        replace(summary, last=value) if summary.metric == metric else summary
        for summary in day.summaries
        if summary.metric != metric or value is not None
    )
    return replace(day, summaries=kept)


def test_yes_needs_and_names_all_of_the_evidence(full: RunReport) -> None:
    assert str(million_a_day(full)) == (
        "1,000,000 messages a day: PASS, day_simulation sustained 1,036,800 messages a day "
        "(scaled up from 30s of measuring), lost none of 570 messages, "
        "and its fastest phase held 3.2x the target"
    )


@pytest.mark.parametrize(
    ("metric", "value", "reason"),
    [
        ("headroom_ratio", 0.7, "the best rate that held is 0.7x the target"),
        ("messages_per_day", 999_000.0, "the sustained rate stands for 999,000 messages a day"),
        ("messages_lost", 3.0, "3 messages got lost"),
    ],
)
def test_no_is_said_with_the_figure_that_misses(
    metric: str, value: float, reason: str, five_seconds: RunReport, simulation: BenchmarkReport
) -> None:
    day = with_figure(simulation, metric, value)

    assert answer(five_seconds, day) == f"1,000,000 messages a day: FAIL, {reason}"


def test_a_failed_threshold_is_a_no_that_names_it(
    five_seconds: RunReport, simulation: BenchmarkReport
) -> None:
    failed = parse_threshold("http_req_failed", "rate<0.01").judge(0.5)
    day = replace(simulation, verdicts=(*simulation.verdicts, failed))

    assert answer(five_seconds, day) == (
        "1,000,000 messages a day: FAIL, "
        "1 threshold of day_simulation failed (http_req_failed rate<0.01)"
    )


@pytest.mark.parametrize(
    ("metric", "reason"),
    [
        ("messages_per_day", "the sustained rate is not known"),
        ("messages_lost", "it is not known whether messages were lost"),
        ("headroom_ratio", "no phase held its rate without failures and dropped iterations"),
    ],
)
def test_a_missing_figure_is_never_a_yes(
    metric: str, reason: str, five_seconds: RunReport, simulation: BenchmarkReport
) -> None:
    day = with_figure(simulation, metric, None)

    assert answer(five_seconds, day) == f"1,000,000 messages a day: not shown, because {reason}"


def test_a_day_whose_losses_are_unknown_is_not_said_to_have_held_no_rate(
    five_seconds: RunReport, simulation: BenchmarkReport
) -> None:
    day = with_figure(with_figure(simulation, "messages_lost", None), "headroom_ratio", None)

    assert answer(five_seconds, day) == (
        "1,000,000 messages a day: not shown, because it is not known whether messages were lost"
    )


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (BenchmarkStatus.STOPPED, "day_simulation was STOPPED after 40s"),
        (BenchmarkStatus.FAILED, "day_simulation was FAILED after 40s"),
        (BenchmarkStatus.NOT_RUN, "day_simulation did not run"),
    ],
)
def test_a_part_of_the_simulation_is_never_a_yes(
    status: BenchmarkStatus, reason: str, five_seconds: RunReport, simulation: BenchmarkReport
) -> None:
    text = answer(five_seconds, replace(simulation, status=status))

    assert text == f"1,000,000 messages a day: not shown, because {reason}"


def test_an_unjudged_threshold_is_never_a_yes(
    five_seconds: RunReport, simulation: BenchmarkReport
) -> None:
    blind = parse_threshold("messages_lost", "value==0").judge(None)
    day = replace(simulation, verdicts=(*simulation.verdicts, blind))

    assert answer(five_seconds, day).endswith(
        "not shown, because 1 threshold of day_simulation could not be judged"
    )


def test_a_run_limited_by_its_generator_shows_nothing_even_when_a_threshold_failed(
    five_seconds: RunReport, simulation: BenchmarkReport, api: BenchmarkReport
) -> None:
    day = replace(simulation, valid=False, verdicts=api.verdicts)

    assert answer(five_seconds, day).endswith(
        "not shown, because the load generator was the limit of day_simulation"
    )


def test_a_run_without_the_simulation_shows_nothing(five_seconds: RunReport) -> None:
    assert str(million_a_day(five_seconds)) == (
        "1,000,000 messages a day: not shown, because day_simulation was not part of this run"
    )


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"valid": False}, "INVALID"),
        ({"status": BenchmarkStatus.FAILED}, "FAILED"),
        ({"status": BenchmarkStatus.STOPPED}, "STOPPED"),
        ({"status": BenchmarkStatus.NOT_RUN}, "NOT RUN"),
        ({"status": BenchmarkStatus.NOT_STORED}, "NOT STORED"),
        ({"verdicts": (parse_threshold("db_queries", "count>0").judge(None),)}, "NO DATA"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_good_simulation_beside_a_benchmark_that_proves_nothing_is_never_a_yes(
    changed: dict[str, Any],
    told: str,
    full: RunReport,
    database: BenchmarkReport,
    simulation: BenchmarkReport,
) -> None:
    report = replace(full, benchmarks=(replace(database, **changed), simulation))

    text = str(million_a_day(report))

    assert text.startswith(
        "1,000,000 messages a day: not shown, because database_benchmark is "
        f"{told}, and half a run proves nothing (day_simulation sustained 1,036,800 messages a day"
    )
