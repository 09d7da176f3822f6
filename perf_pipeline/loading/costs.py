"""Find out where the target's time goes while a benchmark's loads run, and record it.

Add here: the observer of another tier. Keep out: its readings (probes/).
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import astuple
from functools import partial
from pathlib import Path
from typing import Final, Protocol

from perf_pipeline.config.fault_rules import load_end_us
from perf_pipeline.config.profile import BenchmarkConfig
from perf_pipeline.loading.broker_agents import broker_requests
from perf_pipeline.loading.session import Session
from perf_pipeline.metrics.cost import COST_COLUMNS, Cost
from perf_pipeline.probes.postgres_costs import PostgresCosts
from perf_pipeline.probes.python_functions import PythonFunctions
from perf_pipeline.probes.tiers import pids_by_name, pids_of_units
from perf_pipeline.probes.track import csv_lines
from perf_pipeline.stack.ending import pids_of
from perf_pipeline.units import US_PER_S

_LEFT_ALONE_S: Final = 600


class _Looker(Protocol):
    """Look into one tier between start and stop, repeatedly; problems become sentences."""

    problems: list[str]

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def costs(self) -> list[Cost]: ...


class CostsWatch:
    """Sample the parts that can show where time goes, only while a load runs."""

    def __init__(self, session: Session, benchmark: str) -> None:
        dsn = session.target.postgres_dsn
        self._lookers: dict[str, _Looker] = {"postgres": PostgresCosts(dsn)} if dsn else {}
        if (requests := broker_requests(session.target)) is not None:
            self._lookers["requests"] = requests
        config = session.profile.benchmarks[benchmark]
        for tier in config.functions:
            self._lookers[f"functions-{tier}"] = PythonFunctions(
                tier, _pids_of(session, tier), _longest_s(config)
            )

    def start(self) -> None:
        """Start sampling, right before a load."""
        for looker in self._lookers.values():
            looker.start()

    @contextmanager
    def until_the_end(self) -> Iterator[None]:
        """Stop sampling when the load inside the block is over, however it ends."""
        with ExitStack() as leaving:
            for looker in self._lookers.values():
                leaving.callback(looker.stop)
            yield

    def write(self, folder: Path) -> list[str]:
        """Write the costs of all loads into a benchmark's folder; return what is unknown."""
        problems: dict[str, None] = {}
        for name, looker in self._lookers.items():
            costs = looker.costs()
            if costs:
                rows = csv_lines([COST_COLUMNS, *map(astuple, costs)])
                (folder / f"costs-{name}.csv").write_bytes(rows)
            problems |= dict.fromkeys(looker.problems)
        return list(problems)


def _longest_s(config: BenchmarkConfig) -> int:
    return load_end_us(config) // US_PER_S + _LEFT_ALONE_S if config.scenarios else _LEFT_ALONE_S


def _pids_of(session: Session, tier: str) -> Callable[[], Sequence[int]]:
    """Return a function that gives the processes of a tier, of this run or of the target."""
    for service in session.services:
        if service.name == tier and service.pids:
            if session.stack is not None:
                return partial(pids_of, session.stack.folder, tier)
            return partial(tuple, service.pids)
    tiers = dict(session.target.tiers)
    named = tiers.get(tier)
    if named is None:
        return tuple
    return partial(_of_target, named.units, named.processes)


def _of_target(units: Sequence[str], processes: Sequence[str]) -> list[int]:
    return sorted({*pids_of_units(units), *pids_by_name(processes)})
