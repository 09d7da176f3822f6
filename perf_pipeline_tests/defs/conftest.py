"""Fixtures of Dagster's tests; only they import dagster, which takes a second.

What Dagster imports when it makes its first instance, half a second more, is imported here: once
for all processes that are forks of the one that collects, and not in each of them.
"""

from collections.abc import Iterator
from pathlib import Path

import dagster._core.storage.sqlite_storage  # noqa: F401 - see above
import pytest

from perf_pipeline_tests.defs.fix_whole_run import whole_run
from perf_pipeline_tests.support.dagster.runs import none_left_running

__all__ = ["whole_run"]


@pytest.fixture(autouse=True)
def _processes_end_with_their_test(tmp_path: Path) -> Iterator[None]:
    """End processes before the folder goes that they write to."""
    assert tmp_path.is_dir()
    with none_left_running():
        yield
