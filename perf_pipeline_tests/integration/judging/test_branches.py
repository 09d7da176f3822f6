"""Branches and pull requests that share a history are compared with their own line of code."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from perf_pipeline.analysis.baseline import BaselinePolicy, DiffStatus, Series, diff
from perf_pipeline.errors import RequestError
from perf_pipeline.judging.baselines import accept, pin
from perf_pipeline.judging.compare import compare_run
from perf_pipeline.judging.lineage import lineage_of
from perf_pipeline.judging.notices import notices_of
from perf_pipeline.judging.pruning import Wish, plan_pruning
from perf_pipeline.judging.withholding import withheld_of
from perf_pipeline.store.baselines import previous_run
from perf_pipeline.store.state import State
from perf_pipeline_tests.support.histories.new_history import history_at
from perf_pipeline_tests.support.histories.synthetic_history import API, QUIET, Made, add_runs

MAIN = {"branch": "main"}
PULL = {"branch": "slow", "pull_request": "7", "base": "main"}
FEATURE = {"branch": "feature", "base": "main"}
RELEASE = {"branch": "release", "base": ""}
UNKNOWN: Mapping[str, str] = {}

# Seventy pushes of a pull request: more than any baseline has runs.
_COPIED = """
insert into {table} select {table}.* replace ({values})
from {table}, range(1, 71) as numbers(n) where run_id = 'p000'
"""
_ID = "printf('p%03d', n) as run_id"
_COPIES = {
    "runs": f"{_ID}, made_as + n as made_as, began_at + to_hours(n) as began_at",
    "benchmarks": _ID,
    "summaries": _ID,
}
# Of each run its name and what CI said: the order is that in which they were made.
RUNS: tuple[tuple[str, Mapping[str, str]], ...] = (
    ("main1", MAIN),
    ("pull1", PULL),
    ("release1", RELEASE),
    ("main2", MAIN),
    ("feature1", FEATURE),
    ("main3", MAIN),
    ("pull2", PULL),
    ("feature2", FEATURE),
    ("local1", UNKNOWN),
)


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a history that all branches share."""
    folder = tmp_path_factory.mktemp("branches")
    add_runs(folder, [Made({API: 80.0}, run_id=name, revision=facts) for name, facts in RUNS])
    again = Made({API: 80.0}, run_id="pull2-c1", trigger="confirm", revision=PULL)
    add_runs(folder, [again])
    return folder


@pytest.mark.parametrize(
    ("run_id", "line"),
    [
        ("main3", {"main1", "main2", "main3", "local1"}),
        # Until it had runs of its own, main's were its past; main3 came later.
        ("feature2", {"main1", "main2", "feature1", "feature2", "local1"}),
        # Nobody said what it began from.
        ("release1", {"release1", "local1"}),
        # Its own earlier push is not merged either; its re-run asks about itself.
        ("pull2", {"main1", "main2", "main3", "local1", "pull2", "pull2-c1"}),
        ("pull2-c1", {"main1", "main2", "main3", "local1", "pull2", "pull2-c1"}),
        (
            "local1",
            {"main1", "main2", "main3", "feature1", "feature2", "release1", "local1"},
        ),
    ],
)
def test_a_run_has_the_line_of_its_own_code(state: Path, run_id: str, line: set[str]) -> None:
    with history_at(State(state).history_file) as history:
        others = history.asked.runs_of_other_lines(run_id)

        assert history.run_ids() - set(others) == line


def test_the_run_before_is_one_of_the_same_line(state: Path) -> None:
    with history_at(State(state).history_file) as history:
        before = previous_run(history, "main3")

    assert before is not None
    assert before.run_id == "main2"


def test_a_release_of_another_branch_is_told_where_nothing_is_compared_with_it(
    state: Path, tmp_path: Path
) -> None:
    shutil.copytree(state, tmp_path, dirs_exist_ok=True)
    pin(State(tmp_path), "release1", name="v1", reason="what customers have")
    told = "pinned release v1 is run release1 of branch release, which is of no baseline of this"

    with history_at(State(tmp_path).history_file) as history:
        of_main, of_nobody = (notices_of(history, run_id) for run_id in ("main3", "local1"))

    assert [told in notice for notice in of_main].count(True) == 1
    assert not [notice for notice in of_nobody if told in notice]


@pytest.mark.parametrize("decide", [partial(pin, name="v1"), accept])
def test_a_decision_for_a_run_of_a_pull_request_would_count_for_nobody(
    state: Path, decide: Callable[..., object]
) -> None:
    with pytest.raises(RequestError, match="pull2 is of pull request 7, whose runs are in nobody"):
        decide(State(state), "pull2", reason="x")


def test_a_withheld_gate_knows_the_pull_request_of_its_first_run(state: Path) -> None:
    slow = diff(Series("http_req_duration", {}, "p(95)"), 120.0, QUIET, BaselinePolicy())
    diffs = [(API, replace(slow, status=DiffStatus.ENVIRONMENT_CHANGED))]
    with history_at(State(state).history_file) as history:
        found = [withheld_of(history, run_id, diffs, "warn") for run_id in ("pull1", "main1")]

    assert [held and held.pull_request for held in found] == ["7", ""]


def test_a_slow_pull_request_is_in_nobodys_baseline_and_is_compared_with_its_base(
    tmp_path: Path,
) -> None:
    # Were the three slow pushes of the pull request in main's baseline, 80 ms would be no news.
    add_runs(tmp_path, [Made({API: value}, revision=MAIN) for value in QUIET])
    add_runs(tmp_path, [Made({API: 120.0}, revision=PULL, run_id=f"p{n}") for n in range(3)])
    [after] = add_runs(tmp_path, [Made({API: 80.0}, revision=MAIN, run_id="merged")])
    for run_id in ("p2", after):
        compare_run(State(tmp_path), run_id)
    mains = {f"r{number:03}" for number in range(1, 9)}

    for run_id, status in (("p2", "SUSPECT"), (after, "OK")):
        [diff] = [
            (diff, set(origin.baseline_run_ids))
            for _, diff, origin in lineage_of(State(tmp_path), run_id).comparisons
            if diff.metric == "http_req_duration"
            and diff.statistic == "p(95)"
            and diff.baseline_kind == "history"
        ]
        assert (diff[0].status, diff[1]) == (status, mains)


def test_pull_requests_push_no_run_out_of_the_baseline_when_old_ones_are_removed(
    tmp_path: Path,
) -> None:
    add_runs(tmp_path, [Made({API: value}, revision=MAIN) for value in QUIET[:5]])
    add_runs(tmp_path, [Made({API: 90.0}, revision=PULL, run_id="p000")])
    with history_at(State(tmp_path).history_file) as history:
        for table, values in _COPIES.items():
            history.connection.execute(_COPIED.format(table=table, values=values))
    plan = plan_pruning(State(tmp_path), Wish(1, None, is_loading=False))

    assert {run.run_id for run in plan.going} == {f"p{number:03}" for number in range(70)}
