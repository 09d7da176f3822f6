"""A group whose coordinator is new or moving: its offsets are read, and nothing ends."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from perf_pipeline.config.kafka_client import kafka_settings
from perf_pipeline.stack.embedded import running_stack
from perf_pipeline.stack.parts import StackOptions
from perf_pipeline.workloads.kafka.topics import ensure_topic
from perf_pipeline_tests.support.places import new_state

OFFSETS = "__consumer_offsets"
FOR_S = 5
READING = f"""
import sys, time
from perf_pipeline.errors import PerfPipelineError
from perf_pipeline.probes.kafka import LagProbe
from perf_pipeline.probes.probe import ProbeError
from perf_pipeline.workloads.kafka.topics import committed
brokers, number, until_s = sys.argv[1], 0, time.monotonic() + {FOR_S}
probe = LagProbe(brokers, "probed", ["moved"])
probe.open()
while time.monotonic() < until_s:
    number += 1
    try:
        assert committed(brokers, f"group-{{number}}", "moved") == {{0: None}}
        assert [lag.committed_offset for lag in probe.lags()] == [None]
    except (PerfPipelineError, ProbeError):
        pass  # a sentence, for as long as there is no coordinator
print("read to the end")
"""


@pytest.fixture
def brokers(tmp_path: Path) -> Iterator[str]:
    """Give a broker of its own: what is deleted there is missed by nobody."""
    options = StackOptions(parts=frozenset({"kafka"}))
    with running_stack(new_state(tmp_path / "state"), options, say=lambda _: None) as stack:
        servers = stack.endpoints.brokers or ""
        ensure_topic(servers, "moved", 1)
        yield servers


def test_a_coordinator_that_is_new_or_moving_ends_no_process(brokers: str) -> None:
    """Without its topic of offsets a broker coordinates no group, until it has made another one."""
    with (
        AdminClient({**kafka_settings(brokers), "log_level": 0}) as admin,
        subprocess.Popen(
            [sys.executable, "-c", READING, brokers], stdout=subprocess.PIPE, text=True
        ) as reading,
    ):
        while reading.poll() is None:
            with suppress(KafkaException):  # it is not there yet
                admin.delete_topics([OFFSETS])[OFFSETS].result(10)
            time.sleep(0.5)
        assert reading.stdout is not None
        told = reading.stdout.read()

    assert (reading.returncode, told) == (0, "read to the end\n")
