"""Hold how a quantity grew while a steady load ran, and list the quantities that are watched.

Add here: a quantity whose growth is of interest, with its metric in catalog.py; or another fact of
a growth (and a migration in store/). Keep out: the slope (analysis/drift.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Final

LATENCY_GROWTH: Final = "latency_growth_ms_per_h"
MEMORY_GROWTH: Final = "memory_growth_bytes_per_h"
GENERATOR: Final = "generator"
"""The load generator is watched as well, and is no part of the system that is judged."""
GROWTH_FILE: Final = "growth.csv"
OF_READINGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "process_memory_bytes": MEMORY_GROWTH,
        "redis_memory_bytes": MEMORY_GROWTH,
        "process_descriptors": "descriptors_growth_per_h",
        "db_connections": "connections_growth_per_h",
        "db_table_bytes": "table_growth_bytes_per_h",
        "db_index_bytes": "index_growth_bytes_per_h",
        "db_bytes_per_row": "row_growth_bytes_per_h",
        "db_dead_rows": "dead_rows_growth_per_h",
        "redis_latency_ms": LATENCY_GROWTH,
        "broker_request_ms": LATENCY_GROWTH,
    }
)
"""Which metric tells the growth of which readings."""
_PARTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "redis_memory_bytes": "used_memory",
        "redis_latency_ms": "ping",
        "broker_request_ms": "metadata",
    }
)


@dataclass(frozen=True, slots=True)
class GrowthRecord:
    """Record how one quantity of one part grew, in the unit of its metric.

    Attributes:
        metric: its metric, such as `memory_growth_bytes_per_h`.
        part: what grew: a tier, a table, an operation.
        points: how many points the slope rests on.
        hours: how long it was watched.
        level: the median, without `/h`.
        per_h: the slope.
        low_per_h: lower end of the interval; None where the points bound it nowhere.
        high_per_h: upper end.
        finding: `grows`, `does not grow` or `cannot tell`.
        needed_h: how long to watch until one can tell; None where one can, or nobody knows.
    """

    metric: str
    part: str
    points: int
    hours: float
    level: float
    per_h: float
    low_per_h: float | None
    high_per_h: float | None
    finding: str
    needed_h: float | None

    @property
    def is_of_the_system(self) -> bool:
        """Say whether it is about the system under test, and not about who loads it."""
        return is_of_the_system(self.metric, self.part)


GROWTH_COLUMNS: Final = tuple(field.name for field in fields(GrowthRecord))


def is_of_the_system(metric: str, part: str) -> bool:
    """Say whether a part belongs to the system under test.

    The latency of an operation that is called generator is the system's.
    """
    return part != GENERATOR or metric == LATENCY_GROWTH


def part_of(reading: str, source: str) -> str:
    """Name the part that a reading is about, apart from other quantities of the same metric.

    >>> part_of("redis_memory_bytes", "redis"), part_of("process_memory_bytes", "api")
    ('redis used_memory', 'api')
    """
    return f"{source} {_PARTS[reading]}" if reading in _PARTS else source
