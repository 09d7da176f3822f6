"""All shipped benchmarks, in the order of running.

Add here: the record of a new benchmark, anywhere in `BENCHMARKS`; its `after` determines its place
in the order. Keep out: facts about a single benchmark.
"""

from collections.abc import Mapping, Sequence
from itertools import chain
from types import MappingProxyType
from typing import Final

from perf_pipeline.benchmarks.api_mixed_operations import API_MIXED_OPERATIONS
from perf_pipeline.benchmarks.api_user_creation import API_USER_CREATION
from perf_pipeline.benchmarks.cache_benchmark import CACHE_BENCHMARK
from perf_pipeline.benchmarks.database_benchmark import DATABASE_BENCHMARK
from perf_pipeline.benchmarks.day_simulation import DAY_SIMULATION
from perf_pipeline.benchmarks.end_to_end import END_TO_END
from perf_pipeline.benchmarks.own import own_benchmark
from perf_pipeline.benchmarks.queue_consume import QUEUE_CONSUME
from perf_pipeline.benchmarks.queue_produce import QUEUE_PRODUCE
from perf_pipeline.benchmarks.record import Benchmark


def in_order(records: Sequence[Benchmark]) -> tuple[Benchmark, ...]:
    """Sort records so that each follows the one that it comes after.

    Of two that come after the same record, the one with fewer followers goes first, then the first
    by name. The order is linear on purpose: whoever measures two things at once on one machine
    measures neither.

    Raises:
        ValueError: a record comes after one that does not exist, or after itself.
    """
    line = _behind("", records)
    if lost := [record for record in records if record not in line]:
        told = ", ".join(f"{record.name} comes after {record.after}" for record in lost)
        raise ValueError(f"these benchmarks have no place in the order: {told}")
    return tuple(line)


def _behind(name: str, records: Sequence[Benchmark]) -> list[Benchmark]:
    """Return every benchmark that comes after this one, directly or indirectly, in order."""
    lines = [[record, *_behind(record.name, records)] for record in records if record.after == name]
    lines.sort(key=lambda line: (len(line), line[0].name))
    return list(chain.from_iterable(lines))


BENCHMARKS: Final = in_order(
    (
        API_MIXED_OPERATIONS,
        API_USER_CREATION,
        CACHE_BENCHMARK,
        DATABASE_BENCHMARK,
        DAY_SIMULATION,
        END_TO_END,
        QUEUE_CONSUME,
        QUEUE_PRODUCE,
    )
)
BY_NAME: Final[Mapping[str, Benchmark]] = MappingProxyType(
    {benchmark.name: benchmark for benchmark in BENCHMARKS}
)
NAMES: Final = tuple(BY_NAME)
DAY: Final = next(benchmark for benchmark in BENCHMARKS if benchmark.simulates_a_day)
"""The benchmark that answers the question after a million messages a day."""


def is_shipped(name: str) -> bool:
    """Say whether a benchmark is one of the shipped ones."""
    return name in BY_NAME


def record_of(name: str) -> Benchmark:
    """Return the record of a shipped benchmark, or make one for a profile's own."""
    return BY_NAME.get(name) or own_benchmark(name, after=BENCHMARKS[-1].name)
