"""PostgreSQL's disk is full during a load: users fail, none that was acknowledged is lost."""

from typing import Any

import pytest

from perf_pipeline.stack.small_disk import small_disk_obstacle
from perf_pipeline_tests.support.commands.command_line import CommandLine
from perf_pipeline_tests.support.places import new_state

pytestmark = [
    pytest.mark.timeout(200),
    pytest.mark.skipif(bool(small_disk_obstacle()), reason=small_disk_obstacle() or "none"),
]

PROFILE = """
extends = "quick"
name = "filled"
workers = 1
calibration = false
[benchmarks.end_to_end]
drainTimeout = "60s"
faults = [{ at = "4s", kind = "full_disk", part = "postgres", for = "4s" }]
[benchmarks.end_to_end.scenarios.create_users]
rate = 40
duration = "16s"
warmUp = "1s"
preAllocatedVUs = 100
"""


def test_users_fail_while_the_disk_is_full_and_none_is_lost(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("filled")
    command = CommandLine(new_state(folder / "state"))
    profile = folder / "filled.toml"
    profile.write_text(PROFILE, encoding="utf-8")

    answer = command("run", str(profile), "--only", "end_to_end", timeout_s=180.0)

    rows = command.sql(
        f"select name, value from figures where run_id = '{answer.run_id}' "
        "and operation = 'full_disk postgres'"
    )
    felt: dict[str, Any] = dict(rows)
    assert felt, answer.err
    # Some pages have room for some more rows, and then 40 requests a second are refused.
    assert felt["fault_failed"] >= 20
    assert felt["fault_messages_lost"] == 0
    assert felt.get("fault_recovery_s", 4.0) >= 3.0
    assert "what PostgreSQL keeps (tables, WAL) is on a disk of its own" in answer.out
    facts = command.value(
        "select facts from environments join runs using (environment_id) "
        f"where run_id = '{answer.run_id}'"
    )
    assert facts["postgres.disk"] == "4.0 GiB of its own"
