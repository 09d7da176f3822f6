"""No two runs measure at once, whether they share a Dagster instance, a state folder or nothing."""

import itertools
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.instance.config import PoolGranularity

from perf_pipeline.stack.postgres import running_postgres
from perf_pipeline.stack.webserver import STORAGE_VARIABLE, storage_url
from perf_pipeline.store.history import open_history
from perf_pipeline.store.state import State
from perf_pipeline_tests.support.dagster.runs import (
    Materializing,
    began,
    ended,
    start_materialize,
)
from perf_pipeline_tests.support.places import ROOT, new_state
from perf_pipeline_tests.support.servers.created_users import api_alone

pytestmark = pytest.mark.timeout(180)
BENCHMARK = "api_user_creation"
# Long enough that two processes started together would overlap for certain.
SPAN = {f"benchmarks.{BENCHMARK}.scenarios.create_users.stages": '[{duration="3s", target=2}]'}


def spans_of(state: Path) -> Iterator[tuple[datetime, datetime]]:
    """Give when each benchmark of a history began and ended."""
    with open_history(State(state).history_file) as history:
        for run in history.runs():
            for outcome in history.outcomes(run.run_id):
                yield began(outcome.began_at), ended(outcome.began_at, outcome.wall_s)


def outputs_of(processes: Iterable[Materializing]) -> list[str]:
    """Wait for the processes, which must succeed, and give what they printed."""
    outputs = [process.communicate(timeout=100)[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outputs
    return outputs


def assert_apart(spans: Iterable[tuple[datetime, datetime]]) -> None:
    """Fail unless there are two spans and they do not overlap."""
    ordered = sorted(spans)
    assert len(ordered) == 2
    assert all(first[1] <= second[0] for first, second in itertools.pairwise(ordered))


@pytest.fixture(scope="module")
def api() -> Iterator[dict[str, str]]:
    """Give the environment that points at a system which is not ours: an API, and no more."""
    with api_alone() as environ:
        yield environ


@pytest.fixture(scope="module")
def dagster_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Give the environment of an instance with our dagster.yaml, kept in a real PostgreSQL."""
    folder = tmp_path_factory.mktemp("instance")
    (folder / "home").mkdir()
    (folder / "home" / "dagster.yaml").write_bytes((ROOT / "dagster.yaml").read_bytes())
    with running_postgres(folder / "storage") as dsn:
        yield {"DAGSTER_HOME": str(folder / "home"), STORAGE_VARIABLE: storage_url(dsn)}


def test_two_runs_that_share_nothing_but_the_machine_wait_for_one_another(
    tmp_path: Path, api: dict[str, str]
) -> None:
    checkouts = [new_state(tmp_path / name / "state") for name in ("one", "other")]

    outputs = outputs_of(
        [start_materialize(BENCHMARK, state, environ=api, overrides=SPAN) for state in checkouts]
    )

    assert_apart(span for state in checkouts for span in spans_of(state))
    assert (
        sum("two runs at once would disturb each other's figures" in output for output in outputs)
        == 1
    )


def test_two_runs_with_a_shared_instance_wait_and_do_not_block_one_another_for_ever(
    tmp_path: Path, api: dict[str, str], dagster_home: dict[str, str]
) -> None:
    state = new_state(tmp_path / "state")
    environ = {**api, **dagster_home}

    # Two steps each: the second run asks for the pool while the first one still needs it.
    outputs_of(
        [
            start_materialize(f"{BENCHMARK},confirmation", state, environ=environ, overrides=SPAN)
            for _ in range(2)
        ]
    )

    assert_apart(spans_of(state))


def test_the_pool_of_a_shared_instance_admits_one_run(
    monkeypatch: pytest.MonkeyPatch, dagster_home: dict[str, str]
) -> None:
    for name, setting in dagster_home.items():
        monkeypatch.setenv(name, setting)

    with dg.DagsterInstance.get() as instance:
        pools = instance.event_log_storage.get_pool_config()
        concurrency = instance.get_concurrency_config()

    assert pools.default_pool_limit == 1
    assert pools.pool_granularity is PoolGranularity.RUN
    assert concurrency.run_queue_config is not None
    assert concurrency.run_queue_config.max_concurrent_runs == 1
