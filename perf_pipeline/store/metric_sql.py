"""Define each metric of the catalog in SQL over the raw tables.

Rows of a metric have the columns `METRIC_COLUMNS`. A value counts `weight` times; only rates use
it: 1 is a hit, 0 a miss, rate = sum(value * weight) / sum(weight). Durations are of all samples,
also of failed, timed-out and interrupted ones: there they are lower bounds, and leaving them out
would hide the worst of a stall. Interrupted ones that nobody can call failed are in no rate, and
may only raise a duration (statistics.py). Only samples of the measured phase count; readings are of
the whole benchmark.

Add here: a word for what a sample adds to a metric. Keep out: which metric is fed by which samples
(metrics/catalog.py; figures and readings follow from kind and tags) and aggregation, which is the
same for all metrics (statistics.py).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import sha256
from types import MappingProxyType
from typing import Final

from perf_pipeline.metrics.catalog import CATALOG, Kind, Samples, SampleValue
from perf_pipeline.store.censoring import UNDECIDED
from perf_pipeline.store.ledger_sql import (
    FROM_LEDGER,
    ledger_rows,
    ledger_rows_of,
)

METRIC_COLUMNS: Final = (
    "run_id",
    "benchmark",
    "metric",
    "scenario",
    "operation",
    "status",
    "outcome",
    "error",
    "source",
    "check_name",
    "at_us",
    "value",
    "weight",
)

_US_PER_MS: Final = 1_000
_KNOWN: Final = f"not ({UNDECIDED})"
_GOOD: Final = "outcome = 'ok' and checks_failed = 0"
# What a sample adds to a metric as a whole number, what that is divided by, and which samples are
# asked; without a condition all are.
SAMPLE_VALUES: Final[Mapping[SampleValue, tuple[str, int, str]]] = MappingProxyType(
    {
        "count": ("1", 1, ""),
        "records": ("if(outcome = 'ok', records, 0)", 1, ""),
        "found": ("if(records > 0, 1, 0)", 1, "outcome = 'ok'"),
        "bytes_out": ("bytes_out", 1, ""),
        "bytes_in": ("bytes_in", 1, ""),
        "failed": ("if(outcome = 'ok', 0, 1)", 1, _KNOWN),
        "answered": ("if(outcome = 'ok', 1, 0)", 1, _KNOWN),
        "good": (f"if({_GOOD}, 1, 0)", 1, _KNOWN),
        "not_good": (f"if({_GOOD}, 0, 1)", 1, _KNOWN),
        "serialization_failure": ("if(error = '40001', 1, 0)", 1, ""),
        "deadlock": ("if(error = '40P01', 1, 0)", 1, ""),
        "retried": ("if(outcome = 'ok' and error in ('40001', '40P01'), 1, 0)", 1, ""),
        "service_ms": ("ended_us - started_us", _US_PER_MS, ""),
        # What another tool's user did (vu 0) has no intended start that anybody knows.
        "response_ms": ("ended_us - intended_us", _US_PER_MS, "vu > 0"),
        "lag_ms": ("started_us - intended_us", _US_PER_MS, "vu > 0"),
        # A phase of a request that is negative did not happen, or nobody measured it.
        "blocked_ms": ("blocked_us", _US_PER_MS, "blocked_us >= 0"),
        "connecting_ms": ("connecting_us", _US_PER_MS, "connecting_us >= 0"),
        "tls_ms": ("tls_us", _US_PER_MS, "tls_us >= 0"),
        "sending_ms": ("sending_us", _US_PER_MS, "sending_us >= 0"),
        "waiting_ms": ("waiting_us", _US_PER_MS, "waiting_us >= 0"),
        "receiving_ms": ("receiving_us", _US_PER_MS, "receiving_us >= 0"),
    }
)


def _sql_of(source: Samples) -> tuple[str, str]:
    """Return the condition of the samples that feed a metric, and the value of each."""
    whole, divisor, only = SAMPLE_VALUES[source.value]
    operations = ", ".join(f"'{operation}'" for operation in source.operations)
    conditions = (
        f"protocol = '{source.protocol}'" if source.protocol else "",
        f"operation in ({operations})" if operations else "",
        only,
    )
    value = whole if divisor == 1 else f"({whole}) / {float(divisor)}"
    return " and ".join(filter(None, conditions)) or "true", value


FROM_SAMPLES: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {name: _sql_of(metric.source) for name, metric in CATALOG.items() if metric.source is not None}
)
BY_OPERATION: Final = frozenset(FROM_SAMPLES) | {"checks"}
FROM_SCENARIOS: Final = frozenset({"iterations", "dropped_iterations", "interrupted_iterations"})
FROM_ITERATIONS: Final = frozenset({"iteration_duration"})
FROM_VUS: Final = frozenset({"vus", "vus_max", "vus_busy"})
FROM_READINGS: Final = frozenset(
    name for name, metric in CATALOG.items() if metric.tags == frozenset({"source"})
)
FROM_FIGURES: Final = (
    frozenset(name for name, metric in CATALOG.items() if metric.kind is Kind.GAUGE)
    - FROM_VUS
    - FROM_READINGS
)

_CHECKS: Final = """
select run_id, benchmark, 'checks' as metric, scenario, operation, '' as status, '' as outcome,
    '' as error, '' as source, check_name, 0 as at_us, hits.value, hits.weight
from checks, lateral (values (1, passes), (0, fails)) as hits(value, weight)
where hits.weight > 0
"""


def metric_rows(metric: str) -> str:
    """Return the SELECT whose rows are a metric's values, over all runs and benchmarks.

    Raises:
        KeyError: no such metric.
    """
    if metric in FROM_SAMPLES:
        condition, value = FROM_SAMPLES[metric]
        return (
            f"select run_id, benchmark, '{metric}' as metric, scenario, operation, "
            "cast(status as varchar) as status, outcome, error, '' as source, '' as check_name, "
            f"ended_us as at_us, cast({value} as double) as value, 1 as weight "
            f"from samples where phase = 'measured' and {condition}"
        )
    if metric in FROM_SCENARIOS:
        return (
            f"select run_id, benchmark, '{metric}' as metric, scenario, '' as operation, "
            "'' as status, '' as outcome, '' as error, '' as source, '' as check_name, "
            f"measured_until_us as at_us, cast({metric} as double) as value, 1 as weight "
            f"from scenarios where {metric} is not null"
        )
    for names, rows in ((FROM_FIGURES, _FIGURES), (FROM_READINGS, _READINGS), (FROM_VUS, _VUS)):
        if metric in names:
            return f"{rows} and name = '{CATALOG[metric].name}'"
    if metric in FROM_LEDGER:
        return ledger_rows(metric)
    return {"checks": _CHECKS, "iteration_duration": _ITERATIONS}[metric]


def rows_of(metrics: Iterable[str]) -> str:
    """Return the SELECT whose rows are those of `metric_rows` of several metrics together.

    Each table but that of samples is named once: DuckDB takes longer to read the text of a
    statement than to look at some ten thousand rows, and the text is five times as long where each
    metric names its table.

    Args:
        metrics: their names; none twice.

    Raises:
        KeyError: no such metric.
    """
    names, parts = list(metrics), []
    for source, together in _TOGETHER.items():
        some = [name for name in names if name in source]
        if len(some) > 1:
            parts.append(together(some))
            names = [name for name in names if name not in source]
    return " union all ".join(f"({rows})" for rows in (*parts, *map(metric_rows, names)))


# A figure has no time of its own: its order of writing takes the place of one.
_FIGURES: Final = (
    "select run_id, benchmark, name as metric, scenario, operation, '' as status, '' as outcome, "
    "'' as error, '' as source, '' as check_name, position as at_us, value, 1 as weight "
    "from figures where isfinite(value)"
)
_READINGS: Final = (
    "select run_id, benchmark, name as metric, '' as scenario, '' as operation, '' as status, "
    "'' as outcome, '' as error, source, '' as check_name, at_us, value, 1 as weight "
    "from readings where isfinite(value)"
)

# The whole is a reading without source: what all scenarios had at one moment.
_VUS: Final = (
    "select run_id, benchmark, name as metric, source as scenario, '' as operation, '' as status, "
    "'' as outcome, '' as error, '' as source, '' as check_name, at_us, value, 1 as weight "
    "from readings where isfinite(value)"
)
# As k6: iterations that ran to their end, also those that failed.
_ITERATIONS: Final = (
    "select run_id, benchmark, 'iteration_duration' as metric, scenario, '' as operation, "
    "'' as status, '' as outcome, '' as error, '' as source, '' as check_name, ended_us as at_us, "
    "(ended_us - started_us) / 1000.0 as value, 1 as weight "
    "from iterations where phase = 'measured' and outcome <> 'interrupted'"
)


_TOGETHER: Final[Mapping[frozenset[str], Callable[[Sequence[str]], str]]] = MappingProxyType(
    {
        FROM_LEDGER: ledger_rows_of,
        FROM_FIGURES: lambda names: f"{_FIGURES} and name in ({_quoted(names)})",
        FROM_READINGS: lambda names: f"{_READINGS} and name in ({_quoted(names)})",
        FROM_VUS: lambda names: f"{_VUS} and name in ({_quoted(names)})",
    }
)


def known_metrics() -> frozenset[str]:
    """Name every metric that has SQL here; a test compares it with the catalog."""
    return (
        frozenset(FROM_SAMPLES)
        | FROM_SCENARIOS
        | FROM_FIGURES
        | FROM_READINGS
        | FROM_LEDGER
        | FROM_ITERATIONS
        | FROM_VUS
        | {"checks"}
    )


def metric_values_view() -> str:
    """Return the SELECT of the view `metric_values`: every value of every metric of every run."""
    single = known_metrics() - FROM_FIGURES - FROM_READINGS - FROM_VUS - FROM_LEDGER
    parts = [metric_rows(metric) for metric in sorted(single)]
    parts += [
        _TOGETHER[some](sorted(some))
        for some in (FROM_LEDGER, FROM_FIGURES, FROM_READINGS, FROM_VUS)
    ]
    # The parts have their columns in one order: to name them again would make opening any history
    # half as long again, because DuckDB reads the text of its views each time.
    return "\nunion all\n".join(parts)


def view_hash() -> str:
    """Identify this version of the view, so that it is replaced only when it changed."""
    return sha256(metric_values_view().encode()).hexdigest()[:16]


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)
