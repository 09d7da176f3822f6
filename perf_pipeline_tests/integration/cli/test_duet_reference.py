"""Two reference systems compared by the command line, whose difference is one setting.

Each side is a whole system, so this takes two brokers: it stays the only duet of this kind here.
Add here: what only two reference systems show. Keep out: other sides (test_duet.py).
"""

import json
from contextlib import suppress
from pathlib import Path
from typing import Final

import psutil
import pytest

from perf_pipeline_tests.support.commands.command_line import CommandLine
from perf_pipeline_tests.support.places import new_state

pytestmark = pytest.mark.timeout(420)

_PROFILE: Final = """
name = "pools"
workers = 1
[seeding]
users = 200
[benchmarks.end_to_end]
drainTimeout = "5s"
[benchmarks.end_to_end.scenarios.create]
exec = "create_user"
executor = "constant-arrival-rate"
rate = 20
duration = "5s"
preAllocatedVUs = 20
gracefulStop = "2s"
parameters = { ledger = true }
[benchmarks.end_to_end.scenarios.read]
exec = "read_user"
executor = "constant-arrival-rate"
rate = 10
duration = "5s"
preAllocatedVUs = 10
gracefulStop = "2s"
"""
_LATER: Final = "reference:pool_size=1,worker_concurrency=20,send_ms=300..400"
_SETTING: Final = "BIRTHDAY_POOL_SIZE"


def _settings_of_apis() -> list[str]:
    """Return the setting of each API that this test's command has started, empty for the usual."""
    found = []
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            if "perf_pipeline.reference_system.api" in process.cmdline():
                found.append(process.environ().get(_SETTING, ""))
    return sorted(found)


def test_two_systems_that_differ_in_a_setting_are_started_compared_and_stopped(
    tmp_path: Path,
) -> None:
    command = CommandLine(new_state(tmp_path))
    profile = tmp_path / "pools.toml"
    profile.write_text(_PROFILE, encoding="utf-8")
    running = command.begin(
        *("duet", str(profile), "--baseline", "reference", "--candidate", _LATER),
        *("--within", "6s", "--warm-up", "1s"),
    )
    running.wait_for("end_to_end: ", 180.0)
    settings = set(_settings_of_apis())
    answer = running.answer(220.0)

    # Which verdict it is depends on the machine; that both answered does not.
    assert answer.code in {0, 97, 98}, answer.out + answer.err
    assert settings == {"", "1"}
    (path,) = (command.state / "reports").glob("*/summary.json")
    told = json.loads(path.read_text(encoding="utf-8"))
    created, read, delivered = told["loads"][0]["operations"]
    assert [operation["operation"] for operation in (created, read, delivered)] == [
        "create_user",
        "read_user",
        "delivery",
    ]
    # Both sides have the users that were seeded, so that no read is a 404.
    assert read["failed"] == {"baseline": 0, "candidate": 0}
    assert created["statistics"]["p50"]["baseline"] > 0
    assert created["statistics"]["p50"]["candidate"] > 0
    # Nothing is lost, and a message is sent 300 to 400 ms instead of 0 to 10 ms after it was taken.
    assert delivered["failed"] == {"baseline": 0, "candidate": 0}
    median = delivered["statistics"]["p50"]
    assert median["candidate"] - median["baseline"] > 150
    assert command.sql("select baseline, candidate from duets") == [("reference", _LATER)]
    assert not list((command.state / "stacks").glob("run-*"))
