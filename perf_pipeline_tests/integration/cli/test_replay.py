"""A log is replayed: the target is asked what the log says, in its order and at its distances."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest

from perf_pipeline.store.history import open_history
from perf_pipeline_tests.support.commands.command_line import CommandLine
from perf_pipeline_tests.support.places import new_state
from perf_pipeline_tests.support.servers.serving import QuietHandler, serving

PROFILE = """
name = "replay"
workers = 2
calibration = false

[benchmarks.shop.scenarios.replay]
exec = "http_steps"
executor = "replayed-arrivals"
log = "access.log"
speed = 5
methods = ["GET"]
preAllocatedVUs = 20

[[benchmarks.shop.scenarios.replay.parameters.steps]]
name = "read"
path = "${replay.path}"

[benchmarks.shop.thresholds]
http_req_failed = ["rate==0"]
dropped_iterations = ["count==0"]
"""
# 12 seconds with 1, 4 and 8 requests in each, four seconds of each: 52, in 2.4 s.
PER_SECOND = (1,) * 4 + (4,) * 4 + (8,) * 4
PATHS = [f"/n/{s}/{n}?a=b%20c" for s, count in enumerate(PER_SECOND) for n in range(count)]
STARTS_S = [(s + n / count) / 5 for s, count in enumerate(PER_SECOND) for n in range(count)]


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    line = 'h - - [01/Nov/2026:12:00:{:02d} +0000] "{} {} HTTP/1.1" 200 2 "-" "curl/8"'
    lines = [line.format(int(path.split("/")[2]), "GET", path) for path in PATHS]
    lines.insert(7, line.format(3, "POST", "/n"))
    (tmp_path / "access.log").write_text("\n".join(lines), encoding="utf-8")
    path = tmp_path / "replay.toml"
    path.write_text(PROFILE, encoding="utf-8")
    return path


@pytest.fixture
def asked() -> list[tuple[float, str]]:
    """Give the moments and paths that the target was asked for."""
    return []


@pytest.fixture
def target(asked: list[tuple[float, str]]) -> Iterator[str]:
    lock = threading.Lock()

    class Remembering(QuietHandler):
        """Answer 200, and remember when it was asked for what."""

        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            with lock:
                asked.append((time.monotonic(), self.path))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

    with serving(Remembering) as url:
        yield url


def test_a_target_is_asked_what_the_log_says_at_the_logs_distances(
    profile: Path, target: str, asked: list[tuple[float, str]], tmp_path: Path
) -> None:
    command = CommandLine(new_state(tmp_path / "state"), {"PERF_BASE_URL": target})

    answer = command("run", "--profile", str(profile))

    assert command.passes_unless_held_up(answer.run_id), answer.out
    replayed = [(at_s, path) for at_s, path in asked if path.startswith("/n/")]
    assert sorted(path for _, path in replayed) == sorted(PATHS)
    late_s = [at_s - STARTS_S[PATHS.index(path)] for at_s, path in replayed]
    # A machine that is busy is late with some of them, and never early with any.
    assert median(late_s) - min(late_s) < 0.2
    with open_history(command.state / "history.duckdb") as history:
        counts = {
            summary.metric: summary.count
            for _, summary in history.summaries(answer.run_id)
            if not summary.tags
        }
        planned = history.connection.execute(
            "select intended_us from samples where operation = 'read' order by intended_us"
        ).fetchall()
    assert counts["http_reqs"] == counts["iterations"] == len(PATHS) == 52
    began_us = planned[0][0]
    assert [(us - began_us) / 1e6 for (us,) in planned] == pytest.approx(STARTS_S, abs=2e-6)
