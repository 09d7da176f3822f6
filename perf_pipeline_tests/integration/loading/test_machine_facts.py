"""The fingerprint in a real control group with limits; needs root and a writable hierarchy."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from perf_pipeline.loading.environment import machine_facts

_ROOTS = (Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/cpu"))
_SAY = """
import json, sys
open(sys.argv[1] + "/cgroup.procs", "w").write("0")
from perf_pipeline.engine.machine_time import read_machine_time
from perf_pipeline.loading.environment import machine_facts
import time
until = time.monotonic() + 1
while time.monotonic() < until: pass
print(json.dumps([machine_facts(), read_machine_time().throttled_us]))
"""


@pytest.fixture
def a_fifth_of_a_core() -> Iterator[Path]:
    """Make a control group that may use a fifth of a core."""
    for root in _ROOTS:
        folder = root / f"perf-pipeline-test-{uuid4().hex[:8]}"
        try:
            folder.mkdir()
        except OSError:
            continue
        try:
            if _limited(folder):
                yield folder
                return
        finally:
            folder.rmdir()
    pytest.skip("no control group with a CPU limit can be made here (root, cgroup v1 or v2)")


def _limited(folder: Path) -> bool:
    for name, text in (("cpu.max", "20000 100000"), ("cpu.cfs_quota_us", "20000")):
        if (folder / name).exists():
            (folder / name).write_text(text)
            return True
    return False


def test_a_cpu_limit_is_part_of_the_fingerprint_and_its_effect_is_seen(
    a_fifth_of_a_core: Path,
) -> None:
    command = [sys.executable, "-c", _SAY, str(a_fifth_of_a_core)]
    said = subprocess.run(command, check=True, capture_output=True, text=True, timeout=25).stdout
    facts, throttled_us = json.loads(said)

    assert facts["cpu_limit"] == "0.2 cores"
    # One process that never rests for 1 s may run for a fifth of it; a busy machine gives it less.
    assert throttled_us > 50_000


def test_a_patch_of_kernel_or_python_does_not_begin_a_new_history() -> None:
    facts = machine_facts()

    assert facts["python"] == f"{sys.version_info.major}.{sys.version_info.minor}"
    assert facts["system"].count(".") == 1
