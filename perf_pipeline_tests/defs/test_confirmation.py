"""A suspect benchmark is run again as a step of the graph, which shows what each run of it said."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import dagster as dg
import pytest

from perf_pipeline.definitions import defs
from perf_pipeline.store.history import open_history
from perf_pipeline.store.state import State
from perf_pipeline_tests.support.dagster.runs import JUDGING, run_config
from perf_pipeline_tests.support.histories.faster_past import all_valid, plant_a_faster_past
from perf_pipeline_tests.support.servers.created_users import api_alone

pytestmark = pytest.mark.timeout(240)
BENCHMARK = "api_user_creation"
TRIES: Final = 3


def materialize(
    state: Path, instance: dg.DagsterInstance, *names: str
) -> dg.ExecuteInProcessResult:
    """Materialise a few assets with the tiny profile."""
    return defs.resolve_job_def("quick").execute_in_process(
        run_config=run_config(state=str(state)),
        asset_selection=[dg.AssetKey(name) for name in names],
        instance=instance,
        raise_on_error=False,
    )


def shown(result: dg.ExecuteInProcessResult, asset: str) -> dict[str, Any]:
    """Give the metadata that one asset shows, tables as lists of rows."""
    [made] = result.asset_materializations_for_node(asset)
    return {
        name: [dict(record.data) for record in value.records]
        if isinstance(value, dg.TableMetadataValue)
        else value.value
        for name, value in made.metadata.items()
    }


@dataclass(frozen=True, slots=True)
class Before:
    """Hold a run, and where it is: alone, and as what is ten times as slow as six earlier runs.

    Attributes:
        run_id: of the run.
        past: a state in which only the six earlier runs are left of it.
        slow: a state with the six and the run, of which nobody has said that it is slow.
    """

    run_id: str
    past: Path
    slow: Path


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Before]:
    """Make states in which six earlier runs were ten times as fast, and give the target."""
    with api_alone() as environ, pytest.MonkeyPatch.context() as patch:
        for name, address in environ.items():
            patch.setenv(name, address)
        for _ in range(TRIES):
            folder = tmp_path_factory.mktemp("past")
            state, slow = folder / "state", folder / "slow"
            with dg.DagsterInstance.ephemeral() as instance:
                first = materialize(state, instance, BENCHMARK, *JUDGING)
            nothing = shown(first, "confirmation")
            assert nothing["outcome"] == "no series was suspect, so nothing was run again"
            shutil.copytree(state, slow)
            plant_a_faster_past(state, first.run_id)
            plant_a_faster_past(slow, first.run_id, is_kept=True)
            if all_valid(state):
                break
        yield Before(first.run_id, state, slow)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """Give an instance of Dagster."""
    with dg.DagsterInstance.ephemeral() as made:
        yield made


def slowed(
    past: Path, folder: Path, instance: dg.DagsterInstance
) -> tuple[Path, dg.ExecuteInProcessResult]:
    """Measure after a copy of that past, and judge; again where the machine held a load up.

    A load of ours that is never valid is INVALID in each try.
    """
    for number in range(TRIES):
        state = folder / f"state{number}"
        shutil.copytree(past, state)
        result = materialize(state, instance, BENCHMARK, *JUDGING)
        if all_valid(state):
            break
    return state, result


def test_a_suspect_is_run_again_in_a_step_of_its_own_and_fails_the_gate(
    before: Before, tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    state, result = slowed(before.past, tmp_path, instance)

    told, rerun = shown(result, "confirmation"), f"{result.run_id}-c1"
    [row] = [row for row in told["confirmation"] if row["series"] == "http_req_duration p(95)"]
    assert row["benchmark"] == BENCHMARK
    # Suspect, and out of line in both re-runs: 3 of 5 with the two runs before.
    assert (row["re-run 1"], row["re-run 2"]) == ("REGRESSED", "REGRESSED")
    assert row["verdict"] == "REGRESSED"
    assert row["change"].startswith("+")
    assert told["re-runs"] == 2
    assert told["outcome"].endswith("regressed, in the majority of all runs")
    assert told["REGRESSED"] >= 1
    compared = shown(result, "baseline_diff")["diffs"]
    assert {row["status"] for row in compared if row["series"] == "http_req_duration p(95)"} >= {
        "REGRESSED"
    }
    [gate] = [
        evaluation
        for evaluation in result.get_asset_check_evaluations()
        if evaluation.check_name == "gate"
    ]
    assert not gate.passed
    with open_history(State(state).history_file) as history:
        assert history.run(rerun).trigger == "confirm"
        assert [outcome.benchmark for outcome in history.outcomes(rerun)] == [BENCHMARK]


def test_a_run_that_only_judges_loads_nothing_and_shows_what_is_still_suspect(
    before: Before, instance: dg.DagsterInstance
) -> None:
    spooled = sorted(path.name for path in (before.slow / "spool").iterdir())

    told = shown(materialize(before.slow, instance, *JUDGING), "confirmation")

    assert told["run"] == before.run_id
    verdicts = {row["series"]: row["verdict"] for row in told["confirmation"]}
    assert verdicts["http_req_duration p(95)"] == "SUSPECT"
    assert told["re-runs"] == 0
    assert told["outcome"].endswith("suspect, and no re-run says more")
    assert sorted(path.name for path in (before.slow / "spool").iterdir()) == spooled
    assert list((before.slow / "stacks").glob("run-*")) == []
