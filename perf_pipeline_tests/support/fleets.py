"""A fleet on loopback: one process with a scheduler of Dask and its workers, a host each.

`python -m perf_pipeline_tests.support.fleets HOST…` prints the scheduler's address. The hosts are
addresses of loopback, and what they start are real agents and load workers, in processes of their
own: forks of that process, which has imported what they need.
Add here: another kind of host. Keep out: loads and assertions.
"""

import asyncio
import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import psutil
from distributed import Scheduler, Worker

from perf_pipeline.config.fleet import FleetConfig
from perf_pipeline.engine.worker_start import StartWorker
from perf_pipeline.fleet.dask_engine import dask_engine
from perf_pipeline.fleet.fleet import Fleet
from perf_pipeline_tests.support.commands.forked_children import offer_forks

HOSTS = ("127.0.0.2", "127.0.0.3")
_TLS = "DASK_DISTRIBUTED__COMM__TLS__"
_CERTIFICATE = f"{_TLS}WORKER__CERT"
_AGENT = "perf_pipeline.fleet.agent"
_WORKER = "perf_pipeline.engine.worker"


@dataclass(frozen=True, slots=True)
class LoopbackFleet:
    """Hold a fleet that is up.

    Attributes:
        address: of its scheduler.
        process: that its agents are children of.
        home: its hosts' folder for temporary files, with all that they keep.
    """

    address: str
    process: psutil.Process
    home: Path = Path()

    @property
    def log(self) -> Path:
        """Return what the scheduler and its workers logged."""
        return self.home / "log"

    def kept(self, pattern: str) -> list[Path]:
        """Return what is kept on its hosts."""
        return list(self.home.glob(f"perf-pipeline-fleet-*/{pattern}"))

    def agents(self) -> list[psutil.Process]:
        """Return the agents that run, in the order of their start."""
        children = [child for child in self.process.children() if _AGENT in child.cmdline()]
        return sorted(children, key=lambda child: child.create_time())

    def workers(self) -> list[psutil.Process]:
        """Return the load workers that run, children of agents."""
        children = [child for agent in self.agents() for child in agent.children()]
        return [child for child in children if _WORKER in child.cmdline()]

    @contextlib.contextmanager
    def started(self, workers: int) -> Iterator[StartWorker]:
        """Yield what starts the workers of a load on the fleet."""
        config = FleetConfig(address=self.address)
        with dask_engine(config) as engine:
            fleet = Fleet(engine, engine.facts(()))
            with fleet.workers(workers) as start:
                yield start


@contextlib.contextmanager
def loopback_fleet(
    hosts: Sequence[str] = HOSTS,
    *,
    before: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
) -> Iterator[LoopbackFleet]:
    """Start a fleet, and stop it with the block.

    Args:
        hosts: addresses of loopback.
        before: a command that the fleet's process is started by, such as `unshare`.
        environment: variables of the fleet's process; with those of Dask's certificates it has TLS.
    """
    command = [*before, sys.executable, "-m", "perf_pipeline_tests.support.fleets", *hosts]
    with (
        tempfile.TemporaryDirectory() as home,
        Path(home, "log").open("wb") as log,
        subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env={**os.environ, **(environment or {}), "TMPDIR": home},
        ) as process,
    ):
        assert process.stdout is not None
        try:
            address = process.stdout.readline().strip()
            assert address, Path(home, "log").read_text()
            found = psutil.Process(process.pid)
            its = found.children()[0] if before else found
            yield LoopbackFleet(address, its, Path(home))
        finally:
            for child in psutil.Process(process.pid).children():
                child.terminate()
            process.terminate()
            process.wait(20)


def tls_variables(authority: Path, certificate: Path, key: Path) -> dict[str, str]:
    """Return the variables by which Dask finds one certificate for everybody."""
    roles = ("CLIENT", "SCHEDULER", "WORKER")
    return {
        f"{_TLS}CA_FILE": str(authority),
        **{f"{_TLS}{role}__CERT": str(certificate) for role in roles},
        **{f"{_TLS}{role}__KEY": str(key) for role in roles},
    }


async def _serve(hosts: Sequence[str]) -> None:
    async with contextlib.AsyncExitStack() as stack:
        protocol = "tls" if _CERTIFICATE in os.environ else "tcp"
        scheduler = await stack.enter_async_context(
            Scheduler(host="127.0.0.1", port=0, dashboard=False, protocol=protocol)
        )
        for host in hosts:
            worker = Worker(scheduler.address, host=host, nthreads=1, dashboard=False)
            await stack.enter_async_context(worker)
        sys.stdout.write(f"{scheduler.address}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    for imported in (_AGENT, _WORKER):
        import_module(imported)
    offer_forks([_AGENT])
    asyncio.run(_serve(sys.argv[1:]))
