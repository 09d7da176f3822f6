"""One run of the whole graph against a real stack, shared by everything that only looks at it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pytest

from perf_pipeline.definitions import build_defs
from perf_pipeline.stack.embedded import running_stack
from perf_pipeline.stack.parts import StackOptions
from perf_pipeline_tests.defs.dagster_runs import run_config, state_in

# No service is that quick, so that exactly this threshold fails.
IMPOSSIBLE = {"benchmarks.end_to_end.thresholds.http_req_duration": '["p(95)<0.001"]'}


@dataclass(frozen=True, slots=True)
class WholeRun:
    """Hold a finished run of the whole graph, in which one threshold failed."""

    result: dg.ExecuteInProcessResult
    instance: dg.DagsterInstance
    state: Path


@pytest.fixture(scope="session")
def whole_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeRun]:
    """Run everything with the tiny profile, on an embedded stack."""
    state = state_in(tmp_path_factory.mktemp("whole_run"))
    job = build_defs().resolve_job_def("quick")
    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(
            run_config=run_config(state=str(state), overrides=IMPOSSIBLE),
            instance=instance,
            raise_on_error=False,
        )
        yield WholeRun(result, instance, state)


@pytest.fixture(scope="session")
def configured_target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Give the environment that points at a system which somebody else has started."""
    state = state_in(tmp_path_factory.mktemp("configured_target"))
    with running_stack(state, StackOptions(), say=lambda _: None) as stack:
        ends = stack.endpoints
        assert ends.base_url is not None
        assert ends.postgres_dsn is not None
        assert ends.brokers is not None
        yield {
            "PERF_BASE_URL": ends.base_url,
            "PERF_POSTGRES_DSN": ends.postgres_dsn,
            "PERF_KAFKA_BROKERS": ends.brokers,
        }
