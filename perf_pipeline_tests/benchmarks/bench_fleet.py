"""What the driver of a fleet costs, with more hosts than this machine could run.

Run with: python -m perf_pipeline_tests.benchmarks.bench_fleet [--tls] [RATE SECONDS HOSTS…]

One real load worker is recorded at RATE starts a second, and hosts repeat it (recorded_hosts.py):
connections, clocks, progress, spools and what the driver does with them are real, the load is not.
For each number of hosts: CPU of the driver during the load, in all and for each 1,000 samples, its
memory, how late its progress came, and what it takes to store the spools.

Add here: another cost of the driver. Keep out: what a load of real hosts measures (docs/fleet.md).
"""

import json
import os
import resource
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Final

from perf_pipeline.config.hosts import Place
from perf_pipeline.engine.job import LoadJob, LoadOutcome
from perf_pipeline.engine.processes import run_load
from perf_pipeline.engine.progress import Progress
from perf_pipeline.engine.worker_start import Child, StartWorker, start_interpreter
from perf_pipeline.fleet.driver_link import DriverLink
from perf_pipeline.fleet.fleet import Fleet
from perf_pipeline.fleet.host import HostFacts
from perf_pipeline.fleet.link import HostLink
from perf_pipeline.store.records import RunKey, ScenarioCounts
from perf_pipeline.store.state import State
from perf_pipeline_tests.benchmarks.recorded_hosts import SPEECH_FILE
from perf_pipeline_tests.benchmarks.spooled_run import write_beside
from perf_pipeline_tests.support.loads.engine_loads import scenario
from perf_pipeline_tests.support.servers.certificates import authority, signed

_RUN: Final = "20260101-000000-fleet1"
_BENCHMARK: Final = "bench"
_HEAD: Final = (
    "| hosts | samples | clock error ms | CPU s of the driver | its CPU ms for 1,000 samples "
    "| share of a core | progress late by s | ready after s | memory MiB | ingest s | "
    "summaries s | memory MiB |\n" + "| --- " * 12 + "|"
)


class RecordedChild:
    """Pass on what a worker says, and note when it said it.

    Args:
        child: the worker.
    """

    def __init__(self, child: Child) -> None:
        self._child = child
        self.pid = child.pid
        self.stdin = child.stdin
        self.heard: list[tuple[float, bytes]] = []
        ours, self._output = os.pipe()
        self.stdout = os.fdopen(ours, "rb", 0)
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def _listen(self) -> None:
        assert self._child.stdout is not None
        while data := os.read(self._child.stdout.fileno(), 1 << 16):
            self.heard.append((time.monotonic(), data))
            os.write(self._output, data)
        os.close(self._output)

    def poll(self) -> int | None:
        """Return the worker's exit code; None while it runs."""
        return self._child.poll()

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its exit code. Raises: subprocess.TimeoutExpired."""
        return self._child.wait(timeout)

    def send_signal(self, sig: int) -> None:
        """Send it a signal."""
        self._child.send_signal(sig)


class RecordedEngine:
    """Connect to hosts that repeat a recording; implements `fleet.FleetEngine`.

    Args:
        port: of loopback, where all of them listen.
        tls: what connections are encrypted with.
    """

    def __init__(self, port: int, tls: ssl.SSLContext | None) -> None:
        self._port = port
        self._tls = tls

    def facts(self, _: Sequence[Place]) -> Mapping[str, HostFacts]:
        """Know nothing of them."""
        return {}

    def links(self, count: int) -> Iterator[tuple[str, DriverLink]]:
        """Connect to so many."""
        for number in range(count):
            yield f"host-{number}", DriverLink(self._connected, "")

    def _connected(self, limit_s: float) -> HostLink:
        stream = socket.create_connection(("127.0.0.1", self._port), limit_s)
        return HostLink(self._tls.wrap_socket(stream) if self._tls else stream)


def job_of(folder: Path, workers: int, rate: int, seconds: int) -> LoadJob:
    """Give a load of `rate` starts a second for each worker."""
    load = {
        "executor": "constant-arrival-rate",
        "rate": rate * workers,
        "duration": f"{seconds}s",
        "preAllocatedVUs": 20 * workers,
    }
    return LoadJob(_RUN, _BENCHMARK, "main", folder, 7, workers, (scenario("Sleeper", load),))


def load_with(job: LoadJob, start: StartWorker, late: list[float]) -> LoadOutcome:
    """Run a load, and note how much later than a second after the last one a progress came."""
    came_s: list[float] = []

    def note(_: Progress) -> None:
        came_s.append(time.monotonic())

    outcome = run_load(
        job,
        secrets={},
        origin_ns=time.monotonic_ns(),
        stop=threading.Event(),
        on_progress=note,
        start=start,
        apart=True,
    )
    late += [after - before - 1.0 for before, after in pairwise(came_s)]
    return outcome


def record(folder: Path, rate: int, seconds: int) -> None:
    """Write down what one worker says and writes under a load."""
    children: list[RecordedChild] = []

    def start(log: int, descriptors: Sequence[int]) -> Child:
        children.append(RecordedChild(start_interpreter(log, descriptors)))
        return children[-1]

    folder.mkdir()
    outcome = load_with(job_of(folder, 1, rate, seconds), start, [])
    began_s = children[0].heard[-1][0] - outcome.wall_s
    before = [data for at_s, data in children[0].heard if at_s < began_s]
    during = [(at_s - began_s, data) for at_s, data in children[0].heard if at_s >= began_s]
    for path in folder.iterdir():
        if not path.name.startswith(("samples-", "iterations-", "kinds-", "ledger-", "seal-")):
            path.unlink()
    told = {
        "before": b"".join(before).decode(),
        "during": [(at_s, data.decode()) for at_s, data in during],
    }
    (folder / SPEECH_FILE).write_text(json.dumps(told), encoding="utf-8")


@contextmanager
def recorded_hosts(recording: Path, certificates: Sequence[Path]) -> Iterator[RecordedEngine]:
    """Start what repeats a recording, in a process of its own.

    Args:
        recording: its folder.
        certificates: of an authority, then certificate and key of both ends; none without TLS.
    """
    command = [sys.executable, "-m", "perf_pipeline_tests.benchmarks.recorded_hosts"]
    with subprocess.Popen(
        [*command, str(recording), *map(str, certificates)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        yield RecordedEngine(int(process.stdout.readline()), _client_context(certificates))
        process.communicate()


def _client_context(certificates: Sequence[Path]) -> ssl.SSLContext | None:
    if not certificates:
        return None
    trusted, certificate, key = certificates
    context = ssl.create_default_context(cafile=str(trusted))
    context.check_hostname = False
    context.load_cert_chain(certificate, key)
    return context


def measured(engine: RecordedEngine, state: State, hosts: int, rate: int, seconds: int) -> str:
    """Run a load of so many hosts, store it, and return its row of the table."""
    folder = state.spool / _RUN / _BENCHMARK
    folder.mkdir(parents=True)
    late: list[float] = []
    cpu_s, began_s = _cpu_s(), time.monotonic()
    with Fleet(engine, {}).workers(hosts) as start:
        outcome = load_with(job_of(folder, hosts, rate, seconds), start, late)
    cpu_s, all_s = _cpu_s() - cpu_s, time.monotonic() - began_s
    memory = _memory_mib()
    [told] = outcome.scenarios
    rows = told.iterations
    for reason in outcome.health.reasons:
        print(f"with {hosts} hosts: {reason}", file=sys.stderr)
    counts = ScenarioCounts(told.name, rows, 0, 0, rows, 0, round(outcome.wall_s * 1e6))
    write_beside(state.spool / _RUN, _BENCHMARK, outcome.wall_s, counts)
    with state.history() as history:
        ingest_s = _seconds(lambda: history.ingest(state.spool / _RUN, _BENCHMARK))
        summaries_s = _seconds(lambda: history.summarise(RunKey(_RUN, _BENCHMARK)))
    cells = (
        f"{hosts}",
        f"{rows:,}",
        f"{outcome.health.figures['clock_error_ms']:.1f}",
        f"{cpu_s:.2f}",
        f"{cpu_s / rows * 1e6:.1f}",
        f"{cpu_s / outcome.wall_s:.0%}",
        f"{max(late, default=0.0):.2f}",
        f"{all_s - outcome.wall_s:.1f}",
        f"{memory:.0f}",
        f"{ingest_s:.1f}",
        f"{summaries_s:.1f}",
        f"{_memory_mib():.0f}",
    )
    return f"| {' | '.join(cells)} |"


def _seconds(step: Callable[[], object]) -> float:
    began_s = time.perf_counter()
    step()
    return time.perf_counter() - began_s


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _memory_mib() -> float:
    """Return the most that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Print the table, from few hosts to many: memory is the most since the start."""
    words = [word for word in sys.argv[1:] if word != "--tls"]
    rate, seconds, *counts = [int(word) for word in words] or [100, 20, 1, 10, 50, 200]
    certificates: tuple[Path, ...] = ()
    with tempfile.TemporaryDirectory() as folder:
        if "--tls" in sys.argv:
            trusted = authority(Path(folder), "ours")
            certificates = (trusted, signed(Path(folder), "both", "ours"), Path(folder, "both.key"))
        recording = Path(folder, "recording")
        record(recording, rate, seconds)
        print(_HEAD)
        for hosts in counts:
            with recorded_hosts(recording, certificates) as engine:
                row = measured(engine, State(Path(folder, f"state-{hosts}")), hosts, rate, seconds)
            print(row, flush=True)


if __name__ == "__main__":
    main()
