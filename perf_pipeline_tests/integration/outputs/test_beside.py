"""The process that sends a run's figures, seen by the run."""

import os
import shutil
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from perf_pipeline.outputs.beside import OutputProbe, Outputs
from perf_pipeline_tests.support.servers.point_receiver import PointReceiver, point_receiver

BUY = {"name": "buy", "iterations": 9, "dropped_iterations": 2, "planned_per_s": 5.0}


@dataclass(slots=True)
class Heard:
    """Keep what is told."""

    sentences: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def say(self, sentence: str) -> None:
        self.sentences.append(sentence)

    def progress(self, line: str, figures: Mapping[str, object]) -> None:
        assert figures["benchmark"] == "shop"
        self.lines.append(line)


def figures(benchmark_s: float, run_id: str = "r1") -> dict[str, Any]:
    return {
        "run_id": run_id,
        "benchmark": "shop",
        "benchmark_s": benchmark_s,
        "elapsed_s": benchmark_s,
        "scenarios": [BUY],
    }


@contextmanager
def sending(tmp_path: Path, receiver: PointReceiver, heard: Heard) -> Iterator[Outputs]:
    (tmp_path / "r1" / "shop").mkdir(parents=True)
    with Outputs({"prometheus": f"{receiver.url}/api/v1/write"}, heard) as outputs:
        outputs.begin(tmp_path, tmp_path / "r1", {"profile": "own"})
        yield outputs


def test_what_is_told_of_a_run_reaches_the_receiver_and_is_counted(tmp_path: Path) -> None:
    heard = Heard()
    readings = tmp_path / "r1" / "shop" / "readings-host.csv"
    with point_receiver() as receiver, sending(tmp_path, receiver, heard) as outputs:
        readings.write_text("at_us,source,name,value\n0,host,host_cpu_percent,12.5\n")
        began_ms = time.time_ns() // 1_000_000
        probe = OutputProbe(outputs, tmp_path / "r1" / "shop")
        outputs.progress("shop: 2 s", figures(2.0))
        receiver.wait_for(1)
        until_s = time.monotonic() + 20
        while not (sent := probe.read(2_000_000)) or not sent[0].value:
            assert time.monotonic() < until_s
            time.sleep(0.02)

    points = {point.name: point for point in receiver.remote_writes if point.value == point.value}
    assert heard.lines == ["shop: 2 s"]
    assert points["k6_dropped_iterations_total"].value == 2
    assert points["perf_host_cpu_percent"].value == 12.5
    assert points["perf_host_cpu_percent"].labels == {
        "profile": "own", "testid": "r1", "benchmark": "shop", "source": "host"
    }  # fmt: skip
    # The benchmark began 2 s before it was told of.
    assert abs(points["perf_host_cpu_percent"].at_ms - (began_ms - 2_000)) < 5_000
    assert [(r.at_us, r.source, r.name) for r in sent] == [
        (2_000_000, "prometheus", "live_points_sent"),
        (2_000_000, "prometheus", "live_points_lost"),
        (2_000_000, "prometheus", "live_points_waiting"),
    ]
    # Dropped starts from 0 on, the plan, a reading, and the end of these three series.
    assert heard.sentences == [f"prometheus at {receiver.url} took all 7 points"]


def test_a_load_that_is_over_before_it_was_told_of_is_sent_as_well(tmp_path: Path) -> None:
    readings = tmp_path / "r1" / "shop" / "readings-host.csv"
    with point_receiver() as receiver, sending(tmp_path, receiver, Heard()) as outputs:
        OutputProbe(outputs, tmp_path / "r1" / "shop").read(0)
        readings.write_text("at_us,source,name,value\n0,host,host_cpu_percent,12.5\n")

    assert {point.name for point in receiver.remote_writes} == {"perf_host_cpu_percent"}


def test_all_of_a_load_is_sent_although_its_files_go_as_it_ends(tmp_path: Path) -> None:
    readings = tmp_path / "r1" / "shop" / "readings-host.csv"
    with point_receiver() as receiver, sending(tmp_path, receiver, Heard()) as outputs:
        probe = OutputProbe(outputs, tmp_path / "r1" / "shop")
        until_s = time.monotonic() + 20
        while not probe.read(0):  # before the process has begun
            assert time.monotonic() < until_s
            time.sleep(0.02)
        readings.write_text("at_us,source,name,value\n0,host,host_cpu_percent,12.5\n")
        probe.close()
        shutil.rmtree(tmp_path / "r1" / "shop")

    assert {point.name for point in receiver.remote_writes} == {"perf_host_cpu_percent"}


def test_a_receiver_that_refuses_is_told_without_secrets_while_the_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PERF_OUT_PROMETHEUS_TOKEN", "tok-3n-0f-m1ne")
    heard = Heard()
    with (
        point_receiver(lambda _: (401, "tok-3n-0f-m1ne is unknown")) as receiver,
        sending(tmp_path, receiver, heard) as outputs,
    ):
        until_s = time.monotonic() + 20
        while not heard.sentences and time.monotonic() < until_s:
            outputs.progress("shop", figures(2.0))
            time.sleep(0.1)

    assert receiver.taken[0].headers["Authorization"] == "Bearer tok-3n-0f-m1ne"
    assert heard.sentences[0] == (
        f"prometheus at {receiver.url} does not take points (it answers 401, '*** is unknown'; is "
        "PERF_OUT_PROMETHEUS_TOKEN set and right?); they are lost, and the run goes on"
    )
    assert heard.sentences[-1].endswith("and right?)")


def test_a_run_survives_the_process_that_sends_and_says_so(tmp_path: Path) -> None:
    heard = Heard()
    with point_receiver() as receiver, sending(tmp_path, receiver, heard) as outputs:
        outputs.progress("shop", figures(2.0))
        receiver.wait_for(1)
        assert outputs.pid is not None
        os.kill(outputs.pid, signal.SIGKILL)
        until_s = time.monotonic() + 20
        while not heard.sentences and time.monotonic() < until_s:
            outputs.progress("shop", figures(3.0))
            time.sleep(0.05)

    assert heard.sentences == [
        (
            "the process that sends figures ended (signal 9), so that nothing more is sent; the "
            f"run goes on. {tmp_path / 'r1' / 'outputs.log'} may say why"
        )
    ]
