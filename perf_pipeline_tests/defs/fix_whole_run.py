"""One run of the whole graph against a real stack, shared by everything that only looks at it.

Add here: another run that several files look at. Keep out: assertions.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pytest

from perf_pipeline.definitions import defs
from perf_pipeline_tests.support.dagster.runs import run_config
from perf_pipeline_tests.support.places import new_state

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
    state = new_state(tmp_path_factory.mktemp("whole_run") / "state")
    job = defs.resolve_job_def("quick")
    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(
            run_config=run_config(state=str(state), overrides=IMPOSSIBLE),
            instance=instance,
            raise_on_error=False,
        )
        yield WholeRun(result, instance, state)
