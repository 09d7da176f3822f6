"""Turn the masks of the samples into the table of checks, by name.

Add here: another thing that is known of a check. Keep out: what a check is (workloads/).
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import duckdb

from perf_pipeline.store.records import OF_KEY, BenchmarkOutcome, RunKey

_BITS: Final = 63  # of a mask, which is a signed integer
_Counts = Counter[tuple[str, str, str]]
# A million samples have a handful of masks.
_MASKS: Final = f"""
select scenario, operation, checks_passed, checks_failed, times
from (
    select kind, checks_passed, checks_failed, count(*) as times
    from sample_rows where {OF_KEY} and (checks_passed <> 0 or checks_failed <> 0)
    group by kind, checks_passed, checks_failed
) join (from sample_kinds where {OF_KEY} and phase = 'measured') using (kind)
"""
_INSERT: Final = """
insert into checks (run_id, benchmark, scenario, operation, check_name, passes, fails)
select $run_id, $benchmark, unnest($scenarios::varchar[]), unnest($operations::varchar[]),
    unnest($names::varchar[]), unnest($passes::bigint[]), unnest($fails::bigint[])
"""


@dataclass(frozen=True, slots=True)
class CheckCounts:
    """Count how often one check passed and failed in one operation of one scenario."""

    benchmark: str
    scenario: str
    operation: str
    check: str
    passes: int
    fails: int


def write_checks(
    connection: duckdb.DuckDBPyConnection, key: RunKey, outcome: BenchmarkOutcome | None
) -> None:
    """Count the checks of a benchmark's stored samples by name; write no row if there is none."""
    masks = connection.execute(_MASKS, key.parameters).fetchall()
    if not masks:
        return
    passes, fails = _by_name(masks, outcome.checks if outcome else {})
    counted = sorted({*passes, *fails})
    connection.execute(
        _INSERT,
        {
            **key.parameters,
            "scenarios": [scenario for scenario, _, _ in counted],
            "operations": [operation for _, operation, _ in counted],
            "names": [name for _, _, name in counted],
            "passes": [passes[check] for check in counted],
            "fails": [fails[check] for check in counted],
        },
    )


def _by_name(
    masks: Iterable[tuple[str, str, int, int, int]], named: Mapping[str, Sequence[str]]
) -> tuple[_Counts, _Counts]:
    """Count passes and fails by scenario, operation and check; each bit of a mask is a check."""
    passes, fails = _Counts(), _Counts()
    for scenario, operation, passed, failed, times in masks:
        names = named.get(operation, ())
        for bit in range(_BITS):
            name = names[bit] if bit < len(names) else f"check {bit}"
            if passed >> bit & 1:
                passes[scenario, operation, name] += times
            if failed >> bit & 1:
                fails[scenario, operation, name] += times
    return passes, fails
