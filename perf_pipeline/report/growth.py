"""Show what grew during a steady load, for every report.

Add here: another fact about a growth. Keep out: when something counts as growing
(analysis/drift.py).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from perf_pipeline.analysis.drift import GROWS, STAYS, UNKNOWN
from perf_pipeline.metrics.growth import GrowthRecord
from perf_pipeline.report import wording
from perf_pipeline.report.tables import ColumnKind, Table

_COLUMNS: Final[Mapping[str, ColumnKind]] = MappingProxyType(
    {
        "what": "text",
        "of": "text",
        "finding": "text",
        "per hour": "number",
        "interval": "number",
        "level": "number",
        "watched": "number",
        "would tell after": "number",
    }
)
_WHAT: Final = MappingProxyType(
    {
        "memory_growth_bytes_per_h": "memory",
        "descriptors_growth_per_h": "descriptors",
        "connections_growth_per_h": "connections",
        "table_growth_bytes_per_h": "table",
        "index_growth_bytes_per_h": "indexes",
        "row_growth_bytes_per_h": "bytes for a row",
        "dead_rows_growth_per_h": "dead rows",
        "latency_growth_ms_per_h": "p95",
    }
)
_ORDER: Final = (GROWS, UNKNOWN, STAYS)
_MOST_TOLD: Final = 8


def hours(value: float) -> str:
    """Write a number of hours as a duration.

    >>> hours(0.5), hours(2.0)
    ('30m', '2h')
    """
    return wording.seconds(3_600 * value)


def per_hour(record: GrowthRecord, value: float) -> str:
    """Write a slope with the unit of its metric."""
    return wording.quantity(value, wording.statistic_unit(record.metric, "value"))


def growth_table(records: Iterable[GrowthRecord]) -> Table:
    """Return a table of all watched quantities, growing ones first."""
    ordered = sorted(
        records, key=lambda record: (_ORDER.index(record.finding), record.metric, record.part)
    )
    return Table.of(_COLUMNS, map(_row, ordered))


def growth_sentences(records: Sequence[GrowthRecord]) -> Iterator[str]:
    """Say in one sentence each what grows in the system, and what is known about the rest."""
    system = [record for record in records if record.is_of_the_system]
    growing = [record for record in system if record.finding == GROWS]
    for record in growing[:_MOST_TOLD]:
        yield (
            f"{_WHAT[record.metric]} of {record.part}: growing by "
            f"{per_hour(record, record.per_h)} ({_interval(record)})"
        )
    counts = {finding: sum(record.finding == finding for record in system) for finding in _ORDER}
    if system:
        watched = hours(max(record.hours for record in system))
        yield (
            f"of {wording.plural(len(system), 'quantity', 'quantities')} watched for {watched}, "
            f"{counts[GROWS]} grew, {counts[STAYS]} did not, and {counts[UNKNOWN]} can't be "
            "judged yet"
        )


def _row(record: GrowthRecord) -> tuple[str, ...]:
    unit = wording.statistic_unit(record.metric, "value").removesuffix("/h")
    return (
        _WHAT[record.metric],
        record.part,
        record.finding,
        per_hour(record, record.per_h),
        _interval(record),
        wording.quantity(record.level, unit),
        hours(record.hours),
        wording.ABSENT if record.needed_h is None else hours(record.needed_h),
    )


def _interval(record: GrowthRecord) -> str:
    if record.low_per_h is None or record.high_per_h is None:
        return "unbounded"
    return f"{per_hour(record, record.low_per_h)} to {per_hour(record, record.high_per_h)}"
