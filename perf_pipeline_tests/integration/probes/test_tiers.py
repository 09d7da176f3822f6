"""Tiers are read from real processes, from an engine's answers, and from Prometheus' HTTP API."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest

from perf_pipeline.metrics.sample import Reading
from perf_pipeline.probes.probe import MIN_SPAN_S, ProbeError
from perf_pipeline.probes.prometheus import PrometheusProbe
from perf_pipeline.probes.tiers import LocalTiers, pids_of_units
from perf_pipeline_tests.support.servers.serving import QuietHandler, serving

BUSY = "import time\nwhile True: pass"
VECTOR = {"resultType": "vector"}


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[tuple[str, int]]:
    """Run a process that is busy all the time, under a name that no other process has."""
    name = f"busy-{uuid4().hex[:8]}"
    (tmp_path / name).symlink_to(sys.executable)
    with subprocess.Popen([tmp_path / name, "-S", "-c", BUSY]) as process:
        yield name, process.pid
        process.kill()


def looked_at(probe: LocalTiers) -> dict[str, float]:
    """Look twice, a moment apart; give the readings of tier database."""
    probe.open()
    time.sleep(2 * MIN_SPAN_S)
    readings = probe.read(7)
    probe.close()
    assert {(reading.source, reading.at_us) for reading in readings} == {("database", 7)}
    return {reading.name: reading.value for reading in readings}


def test_a_tier_is_found_by_the_name_of_its_processes(busy: tuple[str, int]) -> None:
    name, _ = busy

    found = looked_at(LocalTiers({}, {"database": [name]}, {"database": 4.0}))

    assert 0 < found["process_cpu_percent"] < 130  # one core, as much of it as others leave
    assert found["process_memory_bytes"] > 1 << 20
    assert found["process_cores"] == 4


def test_a_tier_is_found_by_its_systemd_unit(busy: tuple[str, int], tmp_path: Path) -> None:
    """The folders are those in which the kernel shows a unit's processes, versions 2 and 1."""
    _, pid = busy
    for place in ("system.slice/db.service", "systemd/system.slice/old.service/sub"):
        folder = tmp_path / "cgroup" / place
        folder.mkdir(parents=True)
        (folder / "cgroup.procs").write_text(f"{pid}\n")
    cgroups = tmp_path / "cgroup"

    assert pids_of_units(["db.service"], cgroups) == [pid]
    assert pids_of_units(["old.service"], cgroups) == [pid]
    assert pids_of_units(["other.service"], cgroups) == []
    found = looked_at(LocalTiers({"database": ["db.service"]}, {}, {}, cgroups))
    assert found["process_cpu_percent"] > 0
    assert found["process_cores"] >= 1


def test_a_tier_without_a_process_is_told() -> None:
    probe = LocalTiers({}, {"database": ["no-such-process-here"]}, {})

    with pytest.raises(ProbeError, match="no process of tier database runs on this machine"):
        probe.open()


class _Prometheus(QuietHandler):
    """Answer as Prometheus' HTTP API does, by the query; remember the last token."""

    answers: ClassVar[dict[str, Any]] = {
        "one": {"status": "success", "data": {**VECTOR, "result": [{"value": [1.5, "42.5"]}]}},
        "none": {"status": "success", "data": {**VECTOR, "result": []}},
        "two": {"status": "success", "data": {**VECTOR, "result": [{"value": [1, "1"]}] * 2}},
        "scalar": {"status": "success", "data": {"resultType": "scalar", "result": [1.5, "8"]}},
        "nan": {"status": "success", "data": {"resultType": "scalar", "result": [1.5, "NaN"]}},
        "matrix": {"status": "success", "data": {"resultType": "matrix", "result": []}},
        "bad(": {"status": "error", "errorType": "bad_data", "error": "parse error: unclosed"},
    }
    token = ""

    def do_GET(self) -> None:
        """Answer a query."""
        parts = urlsplit(self.path)
        type(self).token = self.headers.get("Authorization", "")
        answer = self.answers.get(parse_qs(parts.query)["query"][0], [])
        body = json.dumps(answer).encode()
        self.send_response(200 if parts.path == "/prom/api/v1/query" else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serving(_Prometheus) as base_url:
        yield f"{base_url}/prom/"


def test_queries_become_readings_of_their_tier(url: str) -> None:
    queries = {"database": {"process_cpu_percent": "one", "process_cores": "scalar"}}
    queries["worker"] = {"process_cpu_percent": "nan"}
    given = [Reading(0, "worker", "process_cores", 2.0)]
    probe = PrometheusProbe(url, queries, token="t0ken", given=given)
    probe.open()

    assert probe.read(9) == [
        Reading(9, "database", "process_cpu_percent", 42.5),
        Reading(9, "database", "process_cores", 8.0),
        Reading(9, "worker", "process_cores", 2.0),
    ]
    assert _Prometheus.token == "Bearer t0ken"
    probe.close()


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("none", "gives 0 series, and not one; nothing matches it"),
        ("two", r"gives 2 series, and not one; write sum\(…\) around it"),
        ("matrix", "gives a matrix, and not one number"),
        ("bad(", "Prometheus refuses a query of tier database: parse error: unclosed"),
        ("else", "does not speak its API"),
    ],
)
def test_a_query_without_one_number_is_told(url: str, query: str, sentence: str) -> None:
    probe = PrometheusProbe(url, {"database": {"process_cpu_percent": query}})

    with pytest.raises(ProbeError, match=sentence):
        probe.open()
    probe.close()


def test_a_prometheus_that_is_not_there_is_told() -> None:
    probe = PrometheusProbe("http://127.0.0.1:9", {"database": {"process_cpu_percent": "one"}})

    with pytest.raises(ProbeError, match="Prometheus does not answer"):
        probe.open()
    probe.close()
