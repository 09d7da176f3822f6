"""How a duet waits until its sides are healthy: who is waited for, and what ends the waiting.

Add here: another end of the waiting. Keep out: whole comparisons (integration/cli/test_duet.py).
"""

import sys
import threading
import time
from pathlib import Path
from typing import Final

import pytest

from perf_pipeline.config.duet import DuetConfig
from perf_pipeline.config.loading import load_profile
from perf_pipeline.errors import ProfileError, StoppedByUserError, TargetUnavailableError
from perf_pipeline.runs.duet import run_duet, wish_of
from perf_pipeline.stack.service import free_port
from perf_pipeline.store.state import State
from perf_pipeline.units import US_PER_S
from perf_pipeline_tests.support.places import new_state
from perf_pipeline_tests.support.silent import Silent

_PROFILE: Final = """
name = "shop"
workers = 1
target = "shop"
[targets.shop]
healthPath = "/ready"
[benchmarks.orders.scenarios.buy]
exec = "http_steps"
executor = "constant-arrival-rate"
rate = 1
duration = "1s"
preAllocatedVUs = 1
parameters = { steps = [{ name = "get", path = "/" }] }
"""
_UNHEALTHY: Final = """
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

class Unhealthy(BaseHTTPRequestHandler):
    def do_GET(self):
        Path(sys.argv[2]).touch()
        self.send_error(503)

HTTPServer(("127.0.0.1", int(sys.argv[1])), Unhealthy).serve_forever()
"""


def _duet(folder: Path, asked: DuetConfig, stop: threading.Event) -> None:
    path = folder / "shop.toml"
    path.write_text(_PROFILE, encoding="utf-8")
    wish = wish_of(load_profile(str(path)), asked)
    run_duet(wish, state=State(new_state(folder)), narrator=Silent(), stop=stop)


def _unhealthy(folder: Path) -> tuple[str, Path]:
    """Return the command of a server that answers 503, and the file that says it was asked."""
    server, asked = folder / "unhealthy.py", folder / "asked"
    server.write_text(_UNHEALTHY, encoding="utf-8")
    return f"exec {sys.executable} {server} {{port}} {asked}", asked


def test_who_stops_a_duet_before_its_sides_are_healthy_is_told_so(tmp_path: Path) -> None:
    side, asked = _unhealthy(tmp_path)
    stop = threading.Event()

    def stop_when_asked() -> None:
        until_s = time.monotonic() + 20
        while not asked.exists() and time.monotonic() < until_s:
            time.sleep(0.05)
        stop.set()

    user = threading.Thread(target=stop_when_asked)
    user.start()
    with pytest.raises(StoppedByUserError, match="stopped before anything was measured"):
        _duet(tmp_path, DuetConfig(baseline=side, candidate=side), stop)
    user.join()

    assert asked.exists()


def test_a_side_that_somebody_else_started_is_not_waited_for(tmp_path: Path) -> None:
    """The hour that the started side may take is none for the one beside it."""
    side, asked = _unhealthy(tmp_path)
    sides = DuetConfig(baseline=f"http://127.0.0.1:{free_port()}", candidate=side)
    hour = sides.model_copy(update={"ready_within_us": 3_600 * US_PER_S})

    with pytest.raises(TargetUnavailableError, match="/ready"):
        _duet(tmp_path, hour, threading.Event())

    assert not asked.exists()


def test_a_duet_has_no_fleet(tmp_path: Path) -> None:
    path = tmp_path / "shop.toml"
    path.write_text(_PROFILE, encoding="utf-8")
    profile = load_profile(str(path), {"fleet.address": "tls://fleet.example:8786"})
    asked = DuetConfig(baseline="http://127.0.0.1:1", candidate="http://127.0.0.1:2")

    with pytest.raises(ProfileError, match="a duet has its load workers on this machine"):
        wish_of(profile, asked)
