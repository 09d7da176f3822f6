"""The Docker probe against a real HTTP server on a unix socket.

No Docker engine runs on the machines of this suite. The server plays answers in the shape of the
Engine API's reference (v1.47, GET /containers/{id}/stats on a cgroup v2 host), with counters chosen
so that the expected figures can be worked out by hand. So this tests the transport and the
arithmetic, and not that an engine behaves as its reference says.
"""

import json
import socketserver
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from perf_pipeline.probes.docker import DockerProbe, image_of
from perf_pipeline.probes.probe import MIN_SPAN_S, ProbeError
from perf_pipeline_tests.support.servers.serving import QuietHandler

MIB = 1 << 20


def stats(cpu_ns: int, io_bytes: int, sent_bytes: int = 0) -> dict[str, Any]:
    return {
        "networks": {
            "eth0": {"rx_bytes": 500, "rx_dropped": 9, "tx_bytes": sent_bytes},
            "eth5": {"rx_bytes": sent_bytes, "rx_packets": 3, "tx_bytes": 7},
        },
        "name": "/birthday-api",
        "read": "2025-06-01T12:00:00.123456789Z",
        "preread": "0001-01-01T00:00:00Z",
        "cpu_stats": {
            "cpu_usage": {"total_usage": cpu_ns, "usage_in_usermode": cpu_ns},
            "online_cpus": 2,
        },
        "memory_stats": {"usage": 100 * MIB, "stats": {"inactive_file": 30 * MIB}},
        "blkio_stats": {
            "io_service_bytes_recursive": [
                {"major": 254, "minor": 0, "op": "read", "value": io_bytes // 2},
                {"major": 254, "minor": 0, "op": "write", "value": io_bytes // 2},
            ]
        },
    }


STOPPED = {
    "cpu_stats": {"cpu_usage": {"total_usage": 0}},
    "memory_stats": {},
    "blkio_stats": {"io_service_bytes_recursive": None},
}


class Engine(socketserver.ThreadingUnixStreamServer):
    """Answers with what the test put into `answers`, by path."""

    daemon_threads = True

    def __init__(self, path: str) -> None:
        super().__init__(path, Handler)
        self.answers: dict[str, tuple[int, Any]] = {
            "/version": (200, {"Version": "27.5.1", "ApiVersion": "1.47"})
        }

    def run_container(self, name: str, answer: dict[str, Any]) -> None:
        self.answers[f"/containers/{name}/stats?stream=false&one-shot=true"] = (200, answer)


class Handler(QuietHandler):
    server: Engine
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        missing = (404, {"message": f"No such container: {self.path.split('/')[-2]}"})
        status, answer = self.server.answers.get(self.path, missing)
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        return "unix"


@pytest.fixture
def engine() -> Iterator[Engine]:
    # Not tmp_path: a socket's path has at most 107 bytes.
    with tempfile.TemporaryDirectory() as folder, Engine(f"{folder}/docker.sock") as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def probe_of(engine: Engine, *containers: str) -> DockerProbe:
    return DockerProbe(containers, Path(str(engine.server_address)))


def test_cpu_memory_io_and_network_come_from_two_own_readings(engine: Engine) -> None:
    engine.run_container("api", stats(cpu_ns=5_000_000_000, io_bytes=1_000))
    probe = probe_of(engine, "api")
    probe.open()
    before_ns = probe._before["api"].taken_ns
    time.sleep(MIN_SPAN_S)
    engine.run_container("api", stats(cpu_ns=5_300_000_000, io_bytes=7_000, sent_bytes=4_000))
    readings = {(entry.source, entry.name): entry.value for entry in probe.read(42)}
    span_s = (probe._before["api"].taken_ns - before_ns) / 1e9
    probe.close()

    assert readings == {
        ("api", "process_memory_bytes"): 70 * MIB,
        # 0.3 s of CPU time and 6,000 bytes in the span between the two answers
        ("api", "process_cpu_percent"): pytest.approx(100 * 0.3 / span_s),
        ("api", "process_io_bytes_per_s"): pytest.approx(6_000 / span_s),
        # 4,000 bytes sent on one network and as many received on the other
        ("api", "process_network_bytes_per_s"): pytest.approx(8_000 / span_s),
    }


def test_a_container_in_the_machines_network_has_no_reading_of_its_network(
    engine: Engine,
) -> None:
    host = {**stats(cpu_ns=0, io_bytes=0), "networks": None}
    engine.run_container("api", host)
    probe = probe_of(engine, "api")
    probe.open()
    time.sleep(MIN_SPAN_S)
    names = {entry.name for entry in probe.read(42)}
    probe.close()

    assert names == {"process_memory_bytes", "process_cpu_percent", "process_io_bytes_per_s"}


def test_a_container_that_stopped_has_no_reading_and_starts_anew(engine: Engine) -> None:
    engine.run_container("api", stats(cpu_ns=5_000_000_000, io_bytes=0))
    probe = probe_of(engine, "api")
    probe.open()
    engine.run_container("api", STOPPED)
    while_stopped = probe.read(0)
    engine.run_container("api", stats(cpu_ns=1_000_000, io_bytes=0))
    time.sleep(MIN_SPAN_S)
    restarted = [reading.name for reading in probe.read(0)]
    probe.close()

    assert while_stopped == []
    assert restarted == ["process_memory_bytes"]


def test_an_unknown_container_is_named(engine: Engine) -> None:
    probe = probe_of(engine, "nobody")

    with pytest.raises(ProbeError, match="refuses: No such container: nobody"):
        probe.open()
    probe.close()


def test_an_engine_that_answers_is_available_with_its_version(engine: Engine) -> None:
    assert probe_of(engine).available() == (True, "Docker 27.5.1, API 1.47")


def test_without_docker_the_reason_is_told(tmp_path: Path) -> None:
    socket = tmp_path / "docker.sock"

    assert DockerProbe(["api"], socket).available() == (
        False,
        f"there is no Docker here: no socket at {socket}",
    )


def test_the_engine_that_docker_host_names_is_read(engine: Engine) -> None:
    named = {"DOCKER_HOST": f"unix://{engine.server_address}"}
    probe = DockerProbe.where_environment_says(["birthday-api"], named)

    assert probe.available() == (True, "Docker 27.5.1, API 1.47")


@pytest.mark.parametrize("host", ["tcp://10.0.0.5:2375", "ssh://me@10.0.0.5", "npipe://x", "x"])
def test_an_engine_elsewhere_is_not_asked_and_the_reason_is_told(host: str) -> None:
    probe = DockerProbe.where_environment_says(["birthday-api"], {"DOCKER_HOST": host})
    why = "DOCKER_HOST does not name a unix socket, but containers can be read only over unix://"

    assert probe.available() == (False, why)
    with pytest.raises(ProbeError, match="only over unix://"):
        probe.open()


def test_the_version_of_a_container_is_its_image_and_the_begin_of_its_digest(
    engine: Engine,
) -> None:
    digest = "sha256:8f1b2c3d4e5f60718293a4b5c6d7e8f90123456789abcdef0123456789abcdef"
    container = {"Image": digest, "Config": {"Image": "registry.example/shop:1.4"}}
    engine.answers["/containers/shop/json"] = (200, container)
    environ = {"DOCKER_HOST": f"unix://{engine.server_address!s}"}

    assert image_of("shop", environ) == "registry.example/shop:1.4 8f1b2c3d4e5f"
    with pytest.raises(ProbeError, match="No such container"):
        image_of("gone", environ)
