"""Which files of tests run in one process, one after the other, and in which order all are begun.

Files that use the same servers share a process, so that these start once and idle in one place.
Add here: another set of servers that files share. Keep out: which tests run alone (turns.py).
"""

import re
from functools import cache
from pathlib import Path
from typing import Final

import pytest
from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]

from perf_pipeline_tests.support.places import ROOT

_UP: Final = re.compile(r"\bup: Up\b|\bconfigured_target\b")
_SERVERS: Final = re.compile(r"\b(?:postgres_dsn|brokers|redis_url): str\b|\bservers: Stack\b")
_LONG: Final = ("perf_pipeline_tests/integration/cli", "perf_pipeline_tests/defs")
_QUICK: Final = ("perf_pipeline_tests/unit", "perf_pipeline_tests/docs", "perf_pipeline_tests/fuzz")


@cache
def work_of(file: str) -> str:
    """Name what a file's tests are run with: the servers that it shares, or the file itself.

    A stack that is up is shared by the files of one folder only: all of them took too long.

    Args:
        file: its path, from the root of the checkout.
    """
    if file.startswith(_QUICK):
        return file
    text = (ROOT / file).read_text(encoding="utf-8")
    if _UP.search(text):
        return f"a stack that is up, for {Path(file).parts[1]}"
    return "servers" if _SERVERS.search(text) else file


def rank(file: str) -> int:
    """Say how early a file is begun, from 0: what takes long must not be what is left at the end.

    Args:
        file: its path, from the root of the checkout.
    """
    if work_of(file) != file:
        return 0
    if file.startswith(_LONG):
        return 1
    return 3 if file.startswith(_QUICK) else 2


def scheduling(config: pytest.Config, log: object) -> object:
    """Give what hands each process one piece of work after the other, in their order.

    Args:
        config: of pytest.
        log: of pytest-xdist.
    """
    made = LoadFileScheduling(config, log)
    made._split_scope = lambda nodeid: work_of(nodeid.partition("::")[0])
    return made
