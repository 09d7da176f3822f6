"""A benchmark's outcome is written once, and whoever measured goes by what was written."""

import threading
from datetime import UTC, datetime
from pathlib import Path

from perf_pipeline.config.loading import load_profile
from perf_pipeline.config.target import TargetConfig, resolve_target
from perf_pipeline.loading.measure import measure
from perf_pipeline.loading.session import Session
from perf_pipeline.store.spool_records import read_outcome
from perf_pipeline.store.state import State
from perf_pipeline_tests.support.servers.http_target import http_target
from perf_pipeline_tests.support.silent import Silent

PROFILE = """
name = "one"
[benchmarks.visits.scenarios.all]
exec = "http_steps"
executor = "constant-vus"
vus = 1
duration = "1s"
[[benchmarks.visits.scenarios.all.parameters.steps]]
name = "visit"
method = "GET"
path = "/ok"
"""


def test_what_is_returned_is_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "one.toml"
    path.write_text(PROFILE)
    stop = threading.Event()
    stop.set()  # before the first step: nothing is sent, and the outcome is written all the same
    with http_target() as target:
        session = Session(
            run_id="r1",
            profile=load_profile(str(path)),
            target=resolve_target("local", TargetConfig(), {"PERF_BASE_URL": target.base_url}),
            services=(),
            notices=(),
            environment={},
            state=State(tmp_path),
            trigger="test",
            began_at=datetime(2026, 1, 4, tzinfo=UTC),
            narrator=Silent(),
            stop=stop,
        )
        returned = measure(session, "visits")

    written = read_outcome(session.folder / "visits")
    assert written is not None
    assert returned.status == written.status == "stopped"
    assert returned.wall_s == written.wall_s
