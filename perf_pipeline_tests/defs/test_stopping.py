"""Whatever ends a run, nothing of it keeps running; what somebody else started is left alone."""

import signal
import time
from pathlib import Path

import dagster as dg
import pytest

from perf_pipeline.definitions import defs
from perf_pipeline.defs.resources import PerfRun
from perf_pipeline.stack.embedded import running_stack
from perf_pipeline.stack.parts import StackOptions
from perf_pipeline_tests.support.dagster.runs import (
    ENDLESS_INSERTS,
    TINY,
    Materializing,
    of_state,
    run_config,
    start_materialize,
)
from perf_pipeline_tests.support.places import new_state
from perf_pipeline_tests.support.servers.created_users import api_alone
from perf_pipeline_tests.support.silent import hush

pytestmark = pytest.mark.timeout(240)
OF_USERS, OF_A_DATABASE = "api_user_creation", "database_benchmark"
# Both would take longer than anybody waits here.
LONG = {
    OF_USERS: {
        f"benchmarks.{OF_USERS}.scenarios.create_users.stages": '[{duration="60s", target=2}]'
    },
    OF_A_DATABASE: ENDLESS_INSERTS,
}
DATABASE = StackOptions(parts=frozenset({"postgres"}), tables=True)


def wait_for(path: Path, pattern: str, process: Materializing) -> None:
    """Wait until a file that matches is there, which a process that runs will make."""
    until_s = time.monotonic() + 100
    while not list(path.glob(pattern)):
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < until_s, f"no {pattern} in {path}"
        time.sleep(0.1)


@pytest.mark.parametrize(
    ("number", "benchmark", "server"),
    [
        pytest.param(signal.SIGINT, OF_USERS, "kafka.Kafka", id="SIGINT, and all parts"),
        pytest.param(signal.SIGTERM, OF_A_DATABASE, "bin/postgres", id="SIGTERM, and one part"),
    ],
)
def test_a_signal_during_a_load_ends_it_soon_and_leaves_no_process(
    tmp_path: Path, number: signal.Signals, benchmark: str, server: str
) -> None:
    state = new_state(tmp_path / "state")
    process = start_materialize(benchmark, state, overrides=LONG[benchmark])
    wait_for(state / "spool", f"*/{benchmark}/samples-*.npy", process)
    running = of_state(state)

    process.send_signal(number)
    began_s = time.monotonic()
    _, told = process.communicate(timeout=70)

    assert any("perf_pipeline.engine.worker" in command for command in running)
    assert any(server in command for command in running)
    assert time.monotonic() - began_s < 45  # the load had a minute to go, or more
    assert process.returncode == 1
    assert "DagsterExecutionInterruptedError" in told
    assert of_state(state) == []


def test_the_stack_is_stopped_after_an_asset_that_raises(tmp_path: Path) -> None:
    state = new_state(tmp_path / "state")
    seen: list[str] = []

    # By its name the run knows which parts of the stack to start: all of them.
    @dg.asset(name=OF_USERS)
    def raises(perf_run: PerfRun) -> None:
        perf_run.session()
        seen.extend(of_state(state))
        raise RuntimeError("as in a bug")

    result = dg.materialize(
        [raises],
        resources={"perf_run": PerfRun(profile=TINY, state=str(state))},
        raise_on_error=False,
    )

    assert not result.success
    for part in ("reference_system.api", "kafka.Kafka", "bin/postgres"):
        assert any(part in command for command in seen), part
    assert of_state(state) == []
    assert list((state / "stacks").glob("run-*")) == []


def test_a_configured_target_starts_nothing_and_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state, theirs = new_state(tmp_path / "state"), new_state(tmp_path / "theirs")
    job = defs.resolve_job_def("quick")

    with (
        api_alone() as api,
        running_stack(theirs, DATABASE, say=hush) as database,
        dg.DagsterInstance.ephemeral() as instance,
    ):
        dsn = database.endpoints.postgres_dsn
        assert dsn is not None
        for name, address in {**api, "PERF_POSTGRES_DSN": dsn}.items():
            monkeypatch.setenv(name, address)
        for _ in range(2):  # still there for the second one
            result = job.execute_in_process(
                run_config=run_config(state=str(state)),
                asset_selection=[dg.AssetKey("seeded_users")],
                instance=instance,
            )
            told = [entry.user_message for entry in instance.all_logs(result.run_id)]
            assert "seeding 2,000 users" in told
            assert not any(sentence.startswith("starting ") for sentence in told)

    assert not (state / "stacks").exists()


def test_a_configured_target_that_is_down_is_told_and_nothing_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = new_state(tmp_path / "state")
    monkeypatch.setenv("PERF_BASE_URL", "http://127.0.0.1:9")  # the discard port: nobody listens

    result = defs.resolve_job_def("quick").execute_in_process(
        run_config=run_config(state=str(state)), raise_on_error=False
    )

    failure = result.failure_data_for_node("seeded_users")
    assert failure is not None
    assert failure.error is not None
    assert "http://127.0.0.1:9" in failure.error.to_string()
    assert not (state / "stacks").exists()
