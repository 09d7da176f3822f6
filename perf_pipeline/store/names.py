"""A limit for the number of names in figures: the rarest names are counted together.

A request whose URL, id and all, became its name would make a summary, a histogram and a line of
the report for each id. The most frequent names stay, and those that a threshold asks for.

Add here: another text that a workload may invent without end. Keep out: summing up (statistics.py).
"""

import json
from collections.abc import Collection, Iterator, Mapping
from types import MappingProxyType
from typing import Final

import duckdb

from perf_pipeline.metrics.sample import MOST_OPERATIONS
from perf_pipeline.metrics.threshold_grammar import parse_key
from perf_pipeline.store.records import OF_KEY, RunKey

MOST_ERRORS: Final = 100
# column: (most names, what they are)
_LIMITS: Final[Mapping[str, tuple[int, str]]] = MappingProxyType(
    {"operation": (MOST_OPERATIONS, "operations"), "error": (MOST_ERRORS, "errors")}
)
_COUNTS: Final = f"""
select {", ".join(f"count(distinct {column})" for column in _LIMITS)} from sample_kinds
where {OF_KEY}
"""
_RARE: Final = f"""
create or replace temp table rare as
select {{column}} as name, count(*) as times from samples where {OF_KEY}
group by {{column}} order by times desc, name offset $most
"""
_SPARE: Final = "delete from rare where list_contains($wanted::varchar[], name) or name = ''"
_TOTALS: Final = "select count(*), coalesce(sum(times), 0) from rare"
_FOLD: Final = f"""
update sample_kinds set {{column}} = $rest where {OF_KEY} and {{column}} in (select name from rare)
"""
_FOLDED_CHECKS: Final = f"""
create or replace temp table folded as
select scenario, check_name, sum(passes) as passes, sum(fails) as fails
from checks where {OF_KEY} and operation in (select name from rare) group by scenario, check_name
"""
_DROP_CHECKS: Final = f"delete from checks where {OF_KEY} and operation in (select name from rare)"
_INSERT_CHECKS: Final = """
insert into checks (run_id, benchmark, scenario, operation, check_name, passes, fails)
select $run_id, $benchmark, scenario, $rest, check_name, passes, fails from folded
"""


def rest_of(what: str) -> str:
    """Return the name under which the rarest of a kind count.

    >>> rest_of("operations")
    '(other operations)'
    """
    return f"(other {what})"


def fold_names(
    connection: duckdb.DuckDBPyConnection, key: RunKey, wanted: Mapping[str, Collection[str]]
) -> list[str]:
    """Count the rarest names of a benchmark together; return a sentence about it for each kind.

    Args:
        connection: inside a transaction.
        key: the key of the benchmark, whose checks are counted.
        wanted: by column the names that are never folded.
    """
    told = []
    (counts,) = connection.execute(_COUNTS, key.parameters).fetchall()
    for distinct, (column, (most, kind)) in zip(counts, _LIMITS.items(), strict=True):
        if distinct <= most:
            continue
        connection.execute(_RARE.format(column=column), {**key.parameters, "most": most - 1})
        connection.execute(_SPARE, {"wanted": sorted(wanted.get(column, ()))})
        names, samples = connection.execute(_TOTALS).fetchall()[0]
        rest = {"rest": rest_of(kind)}
        connection.execute(_FOLD.format(column=column), {**key.parameters, **rest})
        if column == "operation":
            connection.execute(_FOLDED_CHECKS, key.parameters)
            connection.execute(_DROP_CHECKS, key.parameters)
            connection.execute(_INSERT_CHECKS, {**key.parameters, **rest})
        told.append(
            f"{distinct:,} names of {kind} are more than the {most:,} that are told apart: the "
            f"{names:,} rarest, {samples:,} samples, count as {rest_of(kind)!r}; give requests "
            "that differ by an id one name"
        )
    return told


def wanted_names(profile_json: str, benchmark: str) -> dict[str, set[str]]:
    """Return the names that a profile's thresholds on a benchmark ask for, by column."""
    wanted: dict[str, set[str]] = {column: set() for column in _LIMITS}
    for tags in _filters(profile_json, benchmark):
        for column, names in wanted.items():
            if column in tags:
                names.add(tags[column])
    return wanted


def _filters(profile_json: str, benchmark: str) -> Iterator[Mapping[str, str]]:
    """Return the tag filters of a stored profile's thresholds; it may be of another version."""
    try:
        thresholds = json.loads(profile_json)["benchmarks"][benchmark]["thresholds"]
        yield from [parse_key(text)[1] for text in thresholds]
    except (ValueError, KeyError, TypeError):
        return
