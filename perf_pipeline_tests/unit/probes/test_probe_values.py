"""Counters that restart, texts with secrets, devices that would be counted twice."""

from pathlib import Path

import pytest

from perf_pipeline.probes.docker import DEFAULT_SOCKET, docker_socket
from perf_pipeline.probes.host import outer_devices, physical_disks
from perf_pipeline.probes.probe import CounterGrowth, ProbeError, masked


def test_a_tally_starts_at_the_first_value_and_survives_a_restart_of_the_server() -> None:
    tally = CounterGrowth()

    assert [tally.add(value) for value in (100, 130, 5, 6)] == [0, 30, 35, 36]


def test_evicted_entries_do_not_count_as_growth() -> None:
    tally = CounterGrowth(restarts_at_zero=False)

    assert [tally.add(value) for value in (100, 130, 90, 95)] == [0, 30, 30, 35]


def test_a_masked_text_is_one_line_without_secrets() -> None:
    text = 'connection to "db" failed: hunter2 is wrong\n\tIs the server running?'

    assert masked(text, ["hunter2", None, ""]) == 'connection to "db" failed: *** is wrong'


def block_device(sys_block: Path, name: str, *, is_hardware: bool) -> None:
    (sys_block / name).mkdir()
    if is_hardware:
        (sys_block / name / "device").mkdir()


def test_a_disk_is_counted_without_its_partitions_and_layers(tmp_path: Path) -> None:
    for name in ("sda", "nvme0n1"):
        block_device(tmp_path, name, is_hardware=True)
    for name in ("dm-0", "loop0", "zram0", "md0"):
        block_device(tmp_path, name, is_hardware=False)
    names = ["sda", "sda1", "sda2", "nvme0n1", "nvme0n1p1", "dm-0", "loop0", "zram0", "md0"]

    assert physical_disks(names, tmp_path) == {"sda", "nvme0n1"}


def test_disks_without_hardware_behind_them_are_told_by_name(tmp_path: Path) -> None:
    for name in ("xvda", "loop0"):
        block_device(tmp_path, name, is_hardware=False)

    assert physical_disks(["xvda", "xvda1", "loop0"], tmp_path) == {"xvda"}
    assert physical_disks(["disk0", "disk1"], tmp_path / "no-sys") == {"disk0", "disk1"}


def test_a_port_of_a_bridge_is_counted_at_the_bridge(tmp_path: Path) -> None:
    for name in ("lo", "eth0", "docker0", "veth1"):
        (tmp_path / name).mkdir()
    (tmp_path / "veth1" / "master").mkdir()

    assert outer_devices(["lo", "eth0", "docker0", "veth1"], tmp_path) == {"eth0", "docker0"}
    assert outer_devices(["lo0", "en0"], tmp_path) == {"en0"}


def test_the_docker_socket_comes_from_docker_host() -> None:
    assert docker_socket({}) == DEFAULT_SOCKET
    assert docker_socket({"DOCKER_HOST": "unix:///run/user/1000/docker.sock"}) == Path(
        "/run/user/1000/docker.sock"
    )


def test_a_docker_host_over_tcp_is_refused() -> None:
    with pytest.raises(ProbeError, match="only over unix://"):
        docker_socket({"DOCKER_HOST": "tcp://build:2375"})
