"""What the target's time went into, beside the runs before: from the spool to every report."""

import json
from collections.abc import Mapping
from dataclasses import astuple
from pathlib import Path
from types import MappingProxyType

import pytest

from perf_pipeline.analysis.attribution import Attribution
from perf_pipeline.analysis.attribution_rules import Tier
from perf_pipeline.analysis.bottleneck import bottlenecks
from perf_pipeline.analysis.finding import FindingStatus
from perf_pipeline.judging.costs import top_costs_of, with_costs
from perf_pipeline.judging.judge import recover_run
from perf_pipeline.judging.publish import report_of
from perf_pipeline.metrics.cost import COST_COLUMNS, Cost
from perf_pipeline.metrics.summary import Summary
from perf_pipeline.probes.track import csv_lines
from perf_pipeline.report.html import render_html
from perf_pipeline.report.k6 import run_summary
from perf_pipeline.report.markdown import render_markdown
from perf_pipeline.store.records import BenchmarkStatus
from perf_pipeline.store.state import State
from perf_pipeline_tests.support.histories.half_runs import A, HalfRun

HOSTILE = "select '<script>alert(1)</script>', ?"


def stored(
    state: Path,
    run_id: str,
    *costs: Cost,
    status: BenchmarkStatus = "complete",
    valid: bool = True,
    revision: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Store a run whose database's time went into these."""
    run = (
        HalfRun(state, run_id, (A,), revision=dict(revision))
        .begin()
        .measure(A, status=status, valid=valid)
    )
    if costs:
        rows = csv_lines([COST_COLUMNS, *map(astuple, costs)])
        (State(run.state).spool / run_id / A / "costs-postgres.csv").write_bytes(rows)
    recover_run(State(state), run_id)


def wait(name: str, seconds: float) -> Cost:
    return Cost("database", "wait", name, seconds, 0)


@pytest.fixture(scope="module")
def four_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Store a run, one that proves nothing, one that nobody watched, and the newest.

    The tests only read of them.
    """
    state = tmp_path_factory.mktemp("four-runs")
    stored(state, "r1", wait("CPU", 1.0))
    stored(state, "r2", wait("CPU", 50.0), valid=False)
    stored(state, "r3")
    slow = Cost("database", "statement", HOSTILE, 3.0, 1500)
    stored(state, "r4", wait("Lock: relation", 3.0), wait("CPU", 1.0), slow)
    return state


def test_a_cost_is_compared_with_the_runs_that_were_watched_and_prove_something(
    four_runs: Path,
) -> None:
    with State(four_runs).history() as history:
        found = top_costs_of(history, "r4")

    # Of 4 s of waiting 3 are 75 %; r1 had none of it, and 1 s of CPU.
    assert [(str(top), top.before_s) for top in found[A]] == [
        ("Lock: relation (75 %, 3.0 s, 0.0 s before, grown)", 0.0),
        ("CPU (25 %, 1.0 s, 1.0 s before)", 1.0),
        (f"{HOSTILE} (100 %, 3.0 s, 1,500 calls, 0.0 s before, grown)", 0.0),
    ]


def test_a_cost_of_another_branch_or_pull_request_is_no_cost_of_before(tmp_path: Path) -> None:
    main = {"branch": "main"}
    stored(tmp_path, "r1", wait("CPU", 1.0), revision=main)
    stored(tmp_path, "r2", wait("CPU", 50.0), revision={**main, "pull_request": "12"})
    stored(tmp_path, "r3", wait("CPU", 60.0), revision={"branch": "other"})
    stored(tmp_path, "r4", wait("CPU", 1.0), revision=main)

    with State(tmp_path).history() as history:
        ((top,),) = top_costs_of(history, "r4").values()

    assert top.before_s == 1.0


def test_a_tier_that_is_slow_says_what_its_time_went_into_and_no_other_does(
    four_runs: Path,
) -> None:
    database = Attribution(Tier.DATABASE, "the database holds the latency", ())
    worker = Attribution(Tier.WORKER, "the worker holds the latency", ())

    with State(four_runs).history() as history:
        costs = top_costs_of(history, "r4")
    (_, told), (_, other) = with_costs([(A, database), (A, worker)], costs)

    assert told.sentence.startswith(
        "the database holds the latency; its sessions' time went into: Lock: relation (75 %, 3.0 s"
    )
    assert "find the blocking statement" in told.advice  # three quarters of the time were locks
    assert other == worker


def test_a_rule_that_failed_knows_better_what_to_do_than_a_few_sessions_that_wait(
    four_runs: Path,
) -> None:
    full = Summary("db_connections_ratio", {}, 10, None, *([1.0] * 9))
    found = [finding for finding in bottlenecks([full]) if finding.status is FindingStatus.FOUND]
    database = Attribution(
        Tier.DATABASE, "the database holds the latency", (), tuple(found), found[0].advice
    )

    with State(four_runs).history() as history:
        ((_, told),) = with_costs([(A, database)], top_costs_of(history, "r4"))

    assert told.advice == found[0].advice
    assert "pooler" in told.advice


def test_every_report_has_the_largest_costs_and_markup_in_a_statement_does_nothing(
    four_runs: Path,
) -> None:
    report = report_of(State(four_runs), "r4")

    page, text = render_html(report), render_markdown(report)
    values = json.loads(json.dumps(run_summary(report)))["perf_pipeline"]["costs"]

    assert "Where the target's time went" in page.replace("&#39;", "'")
    assert "Lock: relation" in page
    assert "<script>alert(1)" not in page
    assert "Lock: relation | 75 % | 3.0 s | - | 0.0 s, grown" in text
    assert values[0] == {
        "benchmark": A,
        "tier": "database",
        "kind": "wait",
        "name": "Lock: relation",
        "share": 0.75,
        "seconds": 3.0,
        "calls": None,
        "seconds_before": 0.0,
        "has_grown": True,
    }


def test_a_run_that_nobody_watched_shows_no_costs(four_runs: Path) -> None:
    report = report_of(State(four_runs), "r3")

    assert report.costs == ()
    assert "time went" not in render_html(report)
    assert "time went" not in render_markdown(report)
