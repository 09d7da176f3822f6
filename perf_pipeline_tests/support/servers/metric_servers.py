"""Start the servers that keep figures: Prometheus, VictoriaMetrics and InfluxDB, where they are.

No registry that the tests can reach has them, so they are taken from PATH, as Debian's packages
`prometheus`, `victoria-metrics` and `influxdb` install them.
Add here: another server. Keep out: what is asked of them.
"""

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import Final

import httpx
import pytest

from perf_pipeline.stack.service import free_port

_INFLUXDB: Final = """
reporting-disabled = true
bind-address = "127.0.0.1:{other}"
[meta]
dir = "{folder}/meta"
[data]
dir = "{folder}/data"
wal-dir = "{folder}/wal"
[monitor]
store-enabled = false
[http]
bind-address = "127.0.0.1:{port}"
log-enabled = false
"""


def _prometheus(folder: Path, port: int) -> list[str]:
    (folder / "prometheus.yml").write_text("global: {}\n", encoding="utf-8")
    return [
        f"--config.file={folder}/prometheus.yml",
        f"--storage.tsdb.path={folder}/data",
        f"--web.listen-address=127.0.0.1:{port}",
        "--web.enable-remote-write-receiver",
    ]


def _victoria_metrics(folder: Path, port: int) -> list[str]:
    return [
        f"-storageDataPath={folder}/data",
        f"-httpListenAddr=127.0.0.1:{port}",
        "-search.latencyOffset=0s",
        "-memory.allowedBytes=100MB",
    ]


def _influxdb(folder: Path, port: int) -> list[str]:
    config = folder / "influxdb.conf"
    text = _INFLUXDB.format(folder=folder, port=port, other=free_port())
    config.write_text(text, encoding="utf-8")
    return ["-config", str(config)]


_ARGUMENTS: Final[Mapping[str, Callable[[Path, int], list[str]]]] = MappingProxyType(
    {"prometheus": _prometheus, "victoria-metrics": _victoria_metrics, "influxd": _influxdb}
)
_HEALTH: Final = MappingProxyType(
    {"prometheus": "/-/ready", "victoria-metrics": "/health", "influxd": "/ping"}
)


def absent_servers() -> list[str]:
    """Give a sentence for each server that can't be had here."""
    return [
        f"{name}: not on PATH, so that nothing is sent to a real one (apt-get install "
        f"{'influxdb' if name == 'influxd' else name})"
        for name in _ARGUMENTS
        if shutil.which(name) is None
    ]


@contextmanager
def metric_server(name: str, folder: Path) -> Iterator[str]:
    """Run a server until the block ends; give its URL. Skip the test where there is none."""
    program = shutil.which(name)
    if program is None:
        pytest.skip(f"{name} is not on PATH")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [program, *_ARGUMENTS[name](folder, port)], stdout=log, stderr=log
        )
    try:
        _await(f"{url}{_HEALTH[name]}", process, folder / "log")
        yield url
    finally:
        process.kill()
        process.wait()


def _await(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until_s = time.monotonic() + 60
    while True:
        with suppress(httpx.TransportError):  # it does not listen yet
            if httpx.get(url, trust_env=False).is_success:
                return
        assert process.poll() is None, log.read_text()[-2_000:]
        assert time.monotonic() < until_s, log.read_text()[-2_000:]
        time.sleep(0.05)
