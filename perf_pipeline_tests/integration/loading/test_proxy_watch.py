"""A proxy between the parts that is gone or overworked: no measurement, and nobody else's fault."""

import os
import signal
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from perf_pipeline.config.loading import load_profile
from perf_pipeline.config.target import TargetConfig, resolve_target
from perf_pipeline.engine.progress import Progress, ScenarioProgress
from perf_pipeline.loading import proxy_watch
from perf_pipeline.loading.live import LiveJudge
from perf_pipeline.loading.measure import measure
from perf_pipeline.loading.progress import LoadWatch
from perf_pipeline.loading.proxy_watch import ProxyWatch
from perf_pipeline.loading.session import Session
from perf_pipeline.stack.ending import dispose
from perf_pipeline.stack.link_routes import Link, Links, port_in
from perf_pipeline.stack.links import start_links
from perf_pipeline.stack.part_faults import leaders_of
from perf_pipeline.stack.parts import Endpoints, Stack
from perf_pipeline.stack.process_register import this_process
from perf_pipeline.stack.service import free_port, open_folder
from perf_pipeline.store.records import RunKey
from perf_pipeline_tests.support.loads.sessions import session_with
from perf_pipeline_tests.support.servers.http_target import http_target
from perf_pipeline_tests.support.silent import Silent

PROFILE = """
name = "behind"
workers = 1
calibration = false
[benchmarks.visits.scenarios.all]
exec = "http_steps"
executor = "constant-vus"
vus = 1
duration = "2500ms"
[[benchmarks.visits.scenarios.all.parameters.steps]]
name = "visit"
method = "GET"
path = "/ok"
"""
GONE = "the proxy between the parts does not answer"


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    """Give a run whose load reaches its target through a proxy."""
    profile = tmp_path / "behind.toml"
    profile.write_text(PROFILE, encoding="utf-8")
    folder = tmp_path / "stack"
    open_folder(folder, owner=this_process())
    with http_target() as server:
        planned = Links((Link("load", "api", free_port(), port_in("api", server.base_url)),))
        links = start_links(folder, planned, {})
        target = resolve_target("local", TargetConfig(), {"PERF_BASE_URL": server.base_url})
        made = session_with(load_profile(str(profile)), target, tmp_path / "state")
        yield replace(
            made, stack=Stack("run-1-1", Endpoints(server.base_url), (), folder, (), links)
        )
        dispose(folder)


class Killer(Silent):
    """End the proxy at the first sign of the load."""

    def __init__(self, session: Session) -> None:
        self._session: Session | None = session

    def progress(self, line: str, figures: Mapping[str, object]) -> None:
        super().progress(line, figures)
        if self._session is not None:
            end_proxy(self._session)
            self._session = None


def end_proxy(session: Session) -> None:
    assert session.stack is not None
    (pid,) = leaders_of(session.stack.folder, "links")
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def test_a_load_whose_proxy_dies_meanwhile_is_invalid_and_names_it(session: Session) -> None:
    outcome = measure(replace(session, narrator=Killer(session)), "visits")

    assert not outcome.valid
    assert outcome.invalid_reasons[0].startswith(GONE)
    (scenario,) = outcome.scenarios
    assert scenario.iterations


def test_a_target_that_nobody_reaches_through_a_dead_proxy_is_not_called_gone(
    session: Session,
) -> None:
    end_proxy(session)

    outcome = measure(session, "visits")

    assert outcome.status == "aborted"
    assert not outcome.valid
    assert outcome.invalid_reasons[0].startswith(GONE)
    assert not outcome.problems


def test_silence_behind_a_dead_proxy_ends_the_load_and_is_not_the_targets(
    session: Session,
) -> None:
    watch = LoadWatch(session, "visits", LiveJudge(Path("nowhere"), RunKey("", ""), []), 0)
    watch.on_progress(silent_for(3))
    watch.on_progress(silent_for(4))
    end_proxy(session)

    watch.on_progress(silent_for(9))

    assert watch.stop.is_set()
    assert watch.problem is not None
    assert watch.problem.startswith(GONE)
    assert "the target is gone" not in watch.problem


def silent_for(seconds: int) -> Progress:
    """Give the progress of a load of which a request was refused in each second."""
    refused = ScenarioProgress("all", 1, seconds, 0, 0, seconds, 1.0, {"refused": seconds})
    return Progress(float(seconds), (refused,))


def test_a_proxy_without_time_is_the_limit_itself(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = ProxyWatch(session.stack)
    proxy.begin()
    assert proxy.trouble() == ""

    monkeypatch.setattr(proxy_watch, "MOST_CPU", -1.0)

    assert "the proxy between the parts took " in proxy.trouble()
    assert "% of a processor, and can use one only" in proxy.trouble()
