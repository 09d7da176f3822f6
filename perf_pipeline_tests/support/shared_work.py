"""Which files of tests run in one process, one after the other, and in which order all are begun.

Files that use the same servers share a process, so that these start once and idle in one place.
Add here: another set of servers that files share. Keep out: how tests wait to be alone (turns.py).
"""

import re
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]

from perf_pipeline_tests.support.places import ROOT

_UP: Final = re.compile(r"\bup: Up\b|\bconfigured_target\b")
_SERVERS: Final = re.compile(r"\b(?:postgres_dsn|brokers|redis_url): str\b|\bservers: Stack\b")
_TO_BE_ALONE: Final = "tests that are alone"
# Half of what shares servers: in one process, the rest of the suite was over 4 minutes earlier.
_OF_MESSAGES: Final = "perf_pipeline_tests/integration/workloads/kafka"
_ALONE: Final = re.compile(r"\bmark\.alone\b")
_LONG: Final = ("perf_pipeline_tests/integration/cli", "perf_pipeline_tests/defs", _OF_MESSAGES)
_LAST: Final = 4
_QUICK: Final = ("perf_pipeline_tests/unit", "perf_pipeline_tests/docs", "perf_pipeline_tests/fuzz")


@cache
def work_of(file: str) -> str:
    """Name what a file's tests are run with: the servers that it shares, or the file itself.

    What measures alone is of one process, so that it follows one another when the others are done.
    A stack that is up is shared by the files of one folder only: all of them took too long.

    Args:
        file: its path, from the root of the checkout.
    """
    if file.startswith(_QUICK):
        return file
    text = (ROOT / file).read_text(encoding="utf-8")
    if _ALONE.search(text):
        return _TO_BE_ALONE
    if _UP.search(text):
        return f"a stack that is up, for {Path(file).parts[1]}"
    if not _SERVERS.search(text):
        return file
    return "servers, for messages" if file.startswith(_OF_MESSAGES) else "servers"


def rank(file: str) -> int:
    """Say how early a file is begun, from 0: what takes long must not be what is left at the end.

    But for what is to be alone: it waits until the others have come to their end.

    Args:
        file: its path, from the root of the checkout.
    """
    if (work := work_of(file)) != file:
        return _LAST if work == _TO_BE_ALONE else 0
    if file.startswith(_LONG):
        return 1
    return 3 if file.startswith(_QUICK) else 2


class _Scheduling(LoadFileScheduling):  # type: ignore[misc]  # pytest-xdist has no types
    """Give each process one piece of work after the other, in their order."""

    def _split_scope(self, nodeid: str) -> str:
        return work_of(nodeid.partition("::")[0])

    def mark_test_complete(self, node: Any, item_index: int, duration: float = 0) -> None:
        """Forget work that is done: the rest is counted several times after each test."""
        super().mark_test_complete(node, item_index, duration)
        work = self._split_scope(self.registered_collections[node][item_index])
        if all(self.assigned_work[node][work].values()):
            del self.assigned_work[node][work]


def scheduling(config: pytest.Config, log: object) -> object:
    """Give what hands each process one piece of work after the other, in their order.

    Args:
        config: of pytest.
        log: of pytest-xdist.
    """
    return _Scheduling(config, log)
