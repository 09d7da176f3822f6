"""Turn the masks of the samples into the table of checks, by name.

Add here: another thing that is known of a check. Keep out: what a check is (workloads/).
"""

from dataclasses import dataclass
from typing import Final

import duckdb

from perf_pipeline.store.records import OF_KEY, BenchmarkOutcome, RunKey

# Masks first grouped, then named and unfolded: a million samples have a handful of them.
_INSERT_CHECKS: Final = f"""
with masks as (
    select scenario, operation, checks_passed, checks_failed, times
    from (
        select kind, checks_passed, checks_failed, count(*) as times
        from sample_rows
        where {OF_KEY} and (checks_passed <> 0 or checks_failed <> 0)
            and kind in (select kind from sample_kinds where {OF_KEY} and phase = 'measured')
        group by kind, checks_passed, checks_failed
    ) join (from sample_kinds where {OF_KEY}) using (kind)
),
bits as (
    select scenario, operation, bit,
        sum(times * ((checks_passed >> bit) & 1)) as passes,
        sum(times * ((checks_failed >> bit) & 1)) as fails
    from masks, (select unnest(range(63)) as bit)
    where ((checks_passed | checks_failed) >> bit) & 1 = 1
    group by scenario, operation, bit
),
names as (
    select unnest($operations::varchar[]) as operation, unnest($bits::bigint[]) as bit,
        unnest($names::varchar[]) as check_name
)
insert into checks (run_id, benchmark, scenario, operation, check_name, passes, fails)
select $run_id, $benchmark, scenario, operation, coalesce(check_name, 'check ' || bit) as label,
    sum(passes), sum(fails)
from bits left join names using (operation, bit)
group by scenario, operation, label
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
    checks = outcome.checks if outcome else {}
    rows = [
        (operation, bit, name)
        for operation, names in checks.items()
        for bit, name in enumerate(names)
    ]
    operations, bits, names = zip(*rows, strict=True) if rows else ((), (), ())
    connection.execute(
        _INSERT_CHECKS,
        {
            **key.parameters,
            "operations": list(operations),
            "bits": list(bits),
            "names": list(names),
        },
    )
