"""The length of the measured phase of a benchmark and of its scenarios, for rates per second.

Add here: another part of a benchmark that has a measured time of its own. Keep out: counts.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import duckdb

from perf_pipeline.store.records import OF_KEY, RunKey
from perf_pipeline.units import US_PER_S

_MEASURED: Final = "select measured_s from benchmarks where run_id = ? and benchmark = ?"
_WINDOWS: Final = """
select scenario, measured_from_us, measured_until_us from scenarios
where run_id = ? and benchmark = ? order by scenario
"""
_PARTS: Final = f"""
select scenario, operation from sample_kinds
where {OF_KEY} and phase = 'measured'
union
-- of a pruned benchmark; every sample has a schedule lag, or was another tool's request
select scenario, operation from histograms
where {OF_KEY} and metric in ('schedule_lag', 'http_req_duration')
order by scenario, operation
"""


@dataclass(frozen=True, slots=True)
class Windows:
    """Hold the measured time of a benchmark, of its scenarios, and who did what.

    Attributes:
        measured_s: the measured of the whole benchmark; None or 0 when it is unknown.
        spans: by scenario (from, until), µs since the benchmark's origin.
        doing: by operation the scenarios that have, or had, measured samples of it.
        telling_operations: those that are not simply all of a scenario.
        scenarios: all of them, also those without samples.
    """

    measured_s: float | None
    spans: Mapping[str, tuple[int, int]]
    doing: Mapping[str, frozenset[str]]
    telling_operations: frozenset[str]
    scenarios: frozenset[str]

    def seconds(self, tags: Mapping[str, str], scenarios: Collection[str] = ()) -> float | None:
        """Return the measured seconds behind a tag filter; None when nobody knows them.

        A scenario has its own window; an operation has that of the scenarios that do it, and a tag
        of scenarios that of those that have it.

        Args:
            tags: the filter.
            scenarios: that have its tags that are not built in.
        """
        spans = [self.spans[name] for name in self._behind(tags, scenarios) if name in self.spans]
        if not spans:
            return self.measured_s or None
        span_us = max(until for _, until in spans) - min(since for since, _ in spans)
        return span_us / US_PER_S if span_us > 0 else self.measured_s or None

    def _behind(self, tags: Mapping[str, str], scenarios: Collection[str]) -> set[str]:
        """Name the scenarios that a filter means; none where it means the whole benchmark."""
        if "scenario" in tags:
            return {tags["scenario"]}
        if "operation" not in tags:
            return set(scenarios)
        doing = self.doing.get(tags["operation"], frozenset())
        return set(doing & set(scenarios) if scenarios else doing)


def measured_windows(connection: duckdb.DuckDBPyConnection, key: RunKey) -> Windows:
    """Read the measured times of a benchmark."""
    identity = [key.run_id, key.benchmark]
    row = connection.execute(_MEASURED, identity).fetchone()
    spans = {
        name: (since_us, until_us)
        for name, since_us, until_us in connection.execute(_WINDOWS, identity).fetchall()
    }
    parts = connection.execute(_PARTS, key.parameters).fetchall()
    return windows_of(row[0] if row else None, spans, parts)


def windows_of(
    measured_s: float | None,
    spans: Mapping[str, tuple[int, int]],
    parts: Iterable[tuple[str, str]],
) -> Windows:
    """Return the windows of a benchmark, in time that grows with its parts and not their square.

    Args:
        measured_s: the measured of the whole benchmark.
        spans: by scenario.
        parts: pairs (scenario, operation) that have, or had, measured samples; no pair twice.
    """
    doing: dict[str, set[str]] = {}
    done: Counter[str] = Counter()
    for scenario, operation in parts:
        doing.setdefault(operation, set()).add(scenario)
        done[scenario] += 1
    telling = (
        operation
        for operation, by in doing.items()
        if len(by) > 1 or any(done[scenario] > 1 for scenario in by)
    )
    return Windows(
        measured_s,
        spans,
        {operation: frozenset(by) for operation, by in doing.items()},
        frozenset(telling),
        frozenset(spans) | frozenset(done),
    )
