"""Every benchmark that is shipped, in the order of running.

Add here: the record of a new benchmark, anywhere in `RECORDS`; its `after` says where it stands in
the order. Keep out: anything that is known of a single one.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from perf_pipeline.benchmarks.api_mixed_operations import API_MIXED_OPERATIONS
from perf_pipeline.benchmarks.api_user_creation import API_USER_CREATION
from perf_pipeline.benchmarks.database_benchmark import DATABASE_BENCHMARK
from perf_pipeline.benchmarks.day_simulation import DAY_SIMULATION
from perf_pipeline.benchmarks.end_to_end import END_TO_END
from perf_pipeline.benchmarks.own import own_benchmark
from perf_pipeline.benchmarks.queue_consume import QUEUE_CONSUME
from perf_pipeline.benchmarks.queue_produce import QUEUE_PRODUCE
from perf_pipeline.benchmarks.record import Benchmark


def in_order(records: Iterable[Benchmark]) -> tuple[Benchmark, ...]:
    """Put records into one line, each behind the one that it comes after.

    Of two that come after the same one, the first by name goes first. They are one line on
    purpose: to measure two things at once on one machine is to measure neither.

    Raises:
        ValueError: a record comes after one that is not there, or after itself.
    """
    waiting = sorted(records, key=lambda one: one.name)
    line: dict[str, Benchmark] = {}
    while waiting:
        ready = next((one for one in waiting if not one.after or one.after in line), None)
        if ready is None:
            told = ", ".join(f"{one.name} comes after {one.after}" for one in waiting)
            raise ValueError(f"these benchmarks have no place in the order: {told}")
        line[ready.name] = ready
        waiting.remove(ready)
    return tuple(line.values())


BENCHMARKS: Final = in_order(
    (
        API_MIXED_OPERATIONS,
        API_USER_CREATION,
        DATABASE_BENCHMARK,
        DAY_SIMULATION,
        END_TO_END,
        QUEUE_CONSUME,
        QUEUE_PRODUCE,
    )
)
BY_NAME: Final[Mapping[str, Benchmark]] = MappingProxyType({one.name: one for one in BENCHMARKS})
NAMES: Final = tuple(BY_NAME)
DAY: Final = next(one for one in BENCHMARKS if one.simulates_a_day)
"""The benchmark that answers the question after a million messages a day."""


def is_shipped(name: str) -> bool:
    """Say whether a benchmark is one of the shipped ones."""
    return name in BY_NAME


def record_of(name: str) -> Benchmark:
    """Give the record of a benchmark; that of a profile's own where none is shipped."""
    return BY_NAME.get(name) or own_benchmark(name, after=BENCHMARKS[-1].name)
