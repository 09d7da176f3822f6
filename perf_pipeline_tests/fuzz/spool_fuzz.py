"""Damaged JSON files of the spool: whole, absent or told as damaged, and never a bug.

Add here: another file of the spool that a person may edit. Keep out: its samples
(integration/store).
"""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from perf_pipeline.metrics.spool_seal import sealed
from perf_pipeline.store.records import BenchmarkOutcome, RunRecord, ScenarioCounts
from perf_pipeline.store.spool_manifest import OUTCOME_FILE
from perf_pipeline.store.spool_records import RUN_FILE, read_outcome, read_run
from perf_pipeline_tests.fuzz.odd_bytes import damaged
from perf_pipeline_tests.fuzz.profile_fuzz import odd_value

_RUN: Final = RunRecord(
    "r1", "quick", "{}", "c", 7, "local", "cli", "0.1", "2026-11-01T12:00:00Z", planned=("a",)
).to_json()
_OUTCOME: Final = BenchmarkOutcome(
    "a", "complete", "", 12.5, 10.0, scenarios=(ScenarioCounts("s", 9, 1, 0, 10, 0, 10_000_000),)
).to_json()


def spool_case(chance: random.Random, folder: Path) -> Callable[[], object]:
    """Give the reading of a run.json or an outcome.json that is damaged."""
    is_run = chance.random() < 0.5
    data = _file(chance, _RUN if is_run else _OUTCOME)

    def read() -> None:
        (folder / (RUN_FILE if is_run else OUTCOME_FILE)).write_bytes(data)
        record = read_run(folder) if is_run else read_outcome(folder)
        assert record is None or record.to_json()

    return read


def _file(chance: random.Random, text: str) -> bytes:
    """Give a file with one odd value and no seal, as an older version left it, or odd bytes."""
    if chance.random() < 0.5:
        return damaged(chance, sealed(text).encode())
    members: dict[str, Any] = json.loads(text)
    members[chance.choice([*members, "colour"])] = odd_value(chance)
    try:
        return json.dumps(members).encode()
    except (RecursionError, ValueError):  # too deep, or a number of too many digits, to be written
        return b"[" * 100_000
