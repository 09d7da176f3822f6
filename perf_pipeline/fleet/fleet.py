"""A fleet as a run uses it: checked hosts, and a way to start workers there.

Add here: something that all engines share. Keep out: code for a single engine (dask_engine.py).
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
    """The interface of engines that start processes on hosts."""

    def facts(self, places: Sequence[Place]) -> Mapping[str, HostFacts]:
        """Return the facts of each host by name, and whether it may load these places.

        Raises:
            GeneratorLimitError: a host can't answer.
        """
        ...

    def links(self, count: int) -> Iterator[tuple[str, DriverLink]]:
        """Start an agent for each load worker; return its host and the connection to it.

        A connection is made when the iterator reaches it, because from then on both ends must be
        heard from continually.

        Raises:
            GeneratorLimitError: a host can't start an agent.
        """
        ...


class Fleet:
    """Start load workers on hosts.

    Args:
        engine: the engine that starts processes there.
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
        """Ask the current hosts; any of them may have joined, left or restarted.

        Raises:
            GeneratorLimitError: a host can't answer.
        """
        return Fleet(self._engine, self._engine.facts(places))

    @property
    def facts(self) -> Mapping[str, HostFacts]:
        """Return what each host answered."""
        return self._facts

    @contextmanager
    def workers(self, count: int) -> Iterator[StartWorker]:
        """Yield the function that starts the workers of one load; none of them outlives the block.

        Each needs six descriptors here, and a process may usually have 1,024.

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
            with suppress(GeneratorLimitError):  # an agent without a driver ends by itself
                for _, link in links:
                    link.close()
