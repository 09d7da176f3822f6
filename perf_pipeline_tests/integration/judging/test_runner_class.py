"""Runs on machines of a declared class are one history, and another machine of it is told."""

from dataclasses import replace
from pathlib import Path

from perf_pipeline.analysis.baseline import Diff, DiffStatus
from perf_pipeline.judging.compare import compare_run
from perf_pipeline.judging.publish import publish
from perf_pipeline.loading.environment import exact_machine, machine_facts, within_class
from perf_pipeline.store.state import State
from perf_pipeline_tests.support.histories.synthetic_history import QUIET, add_runs, api_runs

FACTS = {"cpu": "EPYC 7763", "cores": "4", "memory": "16 GiB", "system": "Linux 6.5"}
OTHER = {"cpu": "Xeon 8370C", "cores": "4", "memory": "15 GiB", "system": "Linux 6.8"}


def last_of(state: Path, runner_class: str) -> str:
    """Store seven runs on one machine and one on another one; give the last one's id."""
    machines = [FACTS] * 7 + [OTHER]
    made = [
        replace(run, environment=within_class(facts, runner_class), machine=facts)
        for run, facts in zip(api_runs(*QUIET), machines, strict=True)
    ]
    return add_runs(state, made)[-1]


def statuses(diffs: list[tuple[str, Diff]]) -> set[DiffStatus]:
    """Give what comparing with the history gave; fixed figures know no machine."""
    return {diff.status for _, diff in diffs if diff.pinned is None}


def test_a_declared_class_is_one_history_and_says_which_machine_it_was(tmp_path: Path) -> None:
    run_id = last_of(tmp_path, "ci-4-cores")

    diffs = compare_run(State(tmp_path), run_id)
    report = publish(State(tmp_path), run_id)

    assert statuses(diffs) == {DiffStatus.OK}
    assert (
        "another machine of runner class ci-4-cores made this run than run r007 (cpu: EPYC 7763 -> "
        "Xeon 8370C; memory: 16 GiB -> 15 GiB; system: Linux 6.5 -> Linux 6.8); figures are "
        "compared within the class"
    ) in report.notices
    assert report.environment["cpu"] == "Xeon 8370C"
    assert report.environment["runner_class"] == "ci-4-cores"


def test_without_a_class_another_machine_begins_another_history(tmp_path: Path) -> None:
    diffs = compare_run(State(tmp_path), last_of(tmp_path, ""))

    assert statuses(diffs) == {DiffStatus.LEARNING}


def test_a_class_that_differs_is_another_history() -> None:
    assert within_class(FACTS, "a") != within_class(FACTS, "b")
    assert within_class(FACTS, "a") == within_class(OTHER, "a")
    assert within_class(FACTS, "a") != within_class({**FACTS, "cores": "2"}, "a")


def test_this_machine_is_described_exactly_beside_its_group() -> None:
    assert exact_machine().keys() == {"cpu", "cores", "memory", "kernel", "python"}
    assert exact_machine()["kernel"].startswith(machine_facts()["system"])
