"""The state folder: one place for each kind of file, and no more imports than the place needs."""

import subprocess
import sys
from pathlib import Path

from perf_pipeline.store.state import State


def test_the_places_are_those_that_the_documentation_names() -> None:
    state = State(Path(".perf"))

    assert state.spool == Path(".perf/spool")
    assert state.history_file == Path(".perf/history.duckdb")
    assert state.reports("r1") == Path(".perf/reports/r1")


def test_only_folders_of_a_spooled_run_are_benchmarks(tmp_path: Path) -> None:
    for name in ("queue_produce", "api_user_creation"):
        (tmp_path / "spool" / "r1" / name).mkdir(parents=True)
    (tmp_path / "spool" / "r1" / "run.json").write_text("{}")

    assert State(tmp_path).spooled_benchmarks("r1") == ["api_user_creation", "queue_produce"]
    assert State(tmp_path).spooled_benchmarks("r2") == []


def test_the_command_line_starts_without_loading_what_only_a_run_needs() -> None:
    program = "import sys, perf_pipeline.cli.main; print(*sys.modules)"
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    heavy = {"duckdb", "dagster", "numpy", "scipy", "rich", "pydantic", "psycopg", "httpx"}
    assert heavy & set(ran.stdout.split()) == set()
