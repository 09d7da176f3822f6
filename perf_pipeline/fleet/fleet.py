"""A fleet as a run sees it: hosts that were checked, and a way to start workers there.

Add here: what all engines have in common. Keep out: what only one engine does (dask_engine.py).
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Protocol

from perf_pipeline.config.hosts import Place
from perf_pipeline.engine.open_files import raise_open_files_limit
from perf_pipeline.engine.worker_start import Child, StartWorker
from perf_pipeline.errors import GeneratorLimitError
from perf_pipeline.fleet.checks import size_of
from perf_pipeline.fleet.distant_worker import DistantWorker
from perf_pipeline.fleet.driver_link import DriverLink
from perf_pipeline.fleet.host import HostFacts


class FleetEngine(Protocol):
    """Start processes on hosts, in whatever way."""

    def facts(self, places: Sequence[Place]) -> Mapping[str, HostFacts]:
        """Ask each host, by name, what it is, and whether it may load these places.

        Raises:
            GeneratorLimitError: a host can't tell.
        """
        ...

    def links(self, count: int) -> Iterator[tuple[str, DriverLink]]:
        """Start an agent for each load worker; return its host and the connection to it.

        A connection is made when the iterator comes to it: whoever has it has to be heard of all
        the while from then on.

        Raises:
            GeneratorLimitError: a host can't.
        """
        ...


class Fleet:
    """Start load workers on hosts.

    Args:
        engine: that starts processes there.
        facts: the facts of each host.
    """

    def __init__(self, engine: FleetEngine, facts: Mapping[str, HostFacts]) -> None:
        self._engine = engine
        self._facts = facts

    @property
    def size(self) -> str:
        """Describe the hosts; runs on fleets of another size are not compared."""
        return size_of(self._facts)

    def asked_again(self, places: Sequence[Place]) -> "Fleet":
        """Ask the hosts that there are now; any of them may have come, gone or restarted.

        Raises:
            GeneratorLimitError: a host can't tell.
        """
        return Fleet(self._engine, self._engine.facts(places))

    @property
    def facts(self) -> Mapping[str, HostFacts]:
        """Return what each host answered."""
        return self._facts

    @contextmanager
    def workers(self, count: int) -> Iterator[StartWorker]:
        """Yield what starts the workers of one load, in order; none of them outlives the block.

        Each takes six descriptors here, of which a process may usually have 1,024.

        Raises:
            GeneratorLimitError: a host can't start its agents.
        """
        raise_open_files_limit()
        links = self._engine.links(count)
        started: list[DistantWorker] = []

        def start(log: int, _: Sequence[int]) -> Child:
            host, link = next(links)
            started.append(DistantWorker(host, link, log))
            return started[-1]

        try:
            yield start
        finally:
            for worker in started:
                worker.close()
            with suppress(GeneratorLimitError):  # it waits for its driver, and goes by itself
                for _, link in links:
                    link.close()
