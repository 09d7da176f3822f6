"""Limits of containers, as Linux writes them; the layouts are those of the kernel's documents."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from perf_pipeline.engine.control_group import (
    Limits,
    allowed_cpus,
    read_limits,
    throttled_us,
    usable_cores,
)

V2 = "30 24 0:26 / {root}/unified rw,nosuid - cgroup2 cgroup2 rw"
V1_CPU = "31 24 0:27 / {root}/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct"
V1_MEMORY = "32 24 0:28 / {root}/memory rw - cgroup cgroup rw,memory"
NONE_V1 = "9223372036854771712"


def _proc(root: Path, mounts: list[str], groups: list[str], files: Mapping[str, str]) -> Path:
    """Lay out /proc/self and the hierarchies below `root`."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    proc = root / "proc"
    proc.mkdir()
    (proc / "cgroup").write_text("\n".join(groups) + "\n")
    (proc / "mountinfo").write_text("\n".join(m.format(root=root) for m in mounts) + "\n")
    return proc


@pytest.mark.parametrize(
    ("mounts", "groups", "files", "limits"),
    [
        (
            [V2],
            ["0::/docker/abc"],
            {
                "unified/docker/abc/cpu.max": "50000 100000\n",
                "unified/docker/abc/memory.max": "536870912\n",
            },
            Limits(0.5, 536_870_912),
        ),
        (
            [V2],
            ["0::/a/b"],
            {
                "unified/a/b/cpu.max": "max 100000\n",
                "unified/a/cpu.max": "150000 100000\n",
                "unified/a/b/memory.max": "max\n",
                "unified/a/memory.max": "1073741824\n",
            },
            Limits(1.5, 1_073_741_824),
        ),
        ([V2], ["0::/"], {"unified/cpu.max": "200000 100000\n"}, Limits(2.0, None)),
        (
            [V1_CPU, V1_MEMORY],
            ["4:memory:/job", "3:cpu,cpuacct:/job"],
            {
                "cpu,cpuacct/job/cpu.cfs_quota_us": "50000\n",
                "cpu,cpuacct/job/cpu.cfs_period_us": "100000\n",
                "cpu,cpuacct/cpu.cfs_quota_us": "-1\n",
                "cpu,cpuacct/cpu.cfs_period_us": "100000\n",
                "memory/job/memory.limit_in_bytes": "268435456\n",
                "memory/memory.limit_in_bytes": f"{NONE_V1}\n",
            },
            Limits(0.5, 268_435_456),
        ),
        (
            [V1_CPU, V1_MEMORY],
            ["4:memory:/docker/of-the-host", "3:cpu,cpuacct:/docker/of-the-host"],
            {
                "cpu,cpuacct/cpu.cfs_quota_us": "25000\n",
                "cpu,cpuacct/cpu.cfs_period_us": "50000\n",
                "memory/memory.limit_in_bytes": f"{NONE_V1}\n",
            },
            Limits(0.5, None),
        ),
        ([V2], ["0::/../elsewhere"], {"unified/cpu.max": "30000 100000\n"}, Limits(0.3, None)),
        ([V2], ["0::/x"], {"unified/x/cpu.max": "broken\n"}, Limits()),
        ([], [], {}, Limits()),
    ],
    ids=[
        "version 2",
        "version 2, limits of the groups above",
        "version 2 in a namespace",
        "version 1",
        "version 1, the host's path in a container",
        "a path outside of the namespace",
        "a file that is not understood",
        "no control groups",
    ],
)
def test_the_narrowest_limit_on_the_way_up_holds(
    mounts: list[str],
    groups: list[str],
    files: dict[str, str],
    limits: Limits,
    tmp_path: Path,
) -> None:
    assert read_limits(_proc(tmp_path, mounts, groups, files)) == limits


@pytest.mark.parametrize(
    ("quota", "cores"),
    # Of 0.9 and 1.9 cores so many are whole; with no limit, and with one above all, all are there.
    [("90000", 0), ("190000", 1), ("max", None), ("99900000", None)],
)
def test_a_part_of_a_core_is_none_that_a_unit_could_have(
    quota: str, cores: int | None, tmp_path: Path
) -> None:
    files = {"unified/a/cpu.max": f"{quota} 100000\n"}
    here = allowed_cpus() if cores is None else min(cores, allowed_cpus())

    assert usable_cores(_proc(tmp_path, [V2], ["0::/a"], files)) == here


def test_being_held_back_is_read_in_microseconds_of_both_versions(tmp_path: Path) -> None:
    files = {
        "unified/a/cpu.stat": "usage_usec 900\nnr_throttled 3\nthrottled_usec 1500\n",
        "cpu,cpuacct/a/cpu.stat": "nr_periods 9\nnr_throttled 2\nthrottled_time 4000000\n",
    }
    proc = _proc(tmp_path, [V2, V1_CPU], ["0::/a", "3:cpu,cpuacct:/a"], files)

    # The longest of 1,500 µs and 4,000,000 ns.
    assert throttled_us(proc) == 4_000


def test_where_there_is_no_proc_nothing_is_limited(tmp_path: Path) -> None:
    assert read_limits(tmp_path / "absent") == Limits()
    assert throttled_us(tmp_path / "absent") == 0
