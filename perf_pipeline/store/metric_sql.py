"""What each metric of the catalog is, in SQL over the raw tables.

Rows of a metric have the columns `METRIC_COLUMNS`. A value counts `weight` times; only rates use
it: 1 is a hit, 0 a miss, rate = sum(value * weight) / sum(weight). Durations are of all samples,
also of failed, timed-out and interrupted ones: there they are lower bounds, and leaving them out
would hide the worst of a stall. Interrupted ones that nobody can call failed are in no rate, and
may only raise a duration (statistics.py). Only samples of the measured phase count; readings are of
the whole benchmark.

Add here: the source of a new metric that is derived from samples (figures and readings follow the
catalog by themselves). Keep out: aggregation, which is the same for all metrics (statistics.py).
"""

from collections.abc import Mapping
from hashlib import sha256
from types import MappingProxyType
from typing import Final

from perf_pipeline.metrics.catalog import CATALOG, TARGET_ANSWERED, Kind
from perf_pipeline.store.censoring import UNDECIDED
from perf_pipeline.store.ledger_sql import FROM_LEDGER, ledger_rows

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

_HTTP: Final = "protocol = 'http'"
_POSTGRES: Final = "protocol = 'postgres'"
_PRODUCED: Final = "protocol = 'kafka' and operation in ('produce', 'transaction', 'produce_batch')"
_CONSUMED: Final = "protocol = 'kafka' and operation = 'consume'"
_SERVICE_MS: Final = "(ended_us - started_us) / 1000.0"
_FAILED: Final = "if(outcome = 'ok', 0, 1)"
_KNOWN: Final = f"not ({UNDECIDED})"
_OK_RECORDS: Final = "if(outcome = 'ok', records, 0)"
_GOOD: Final = "outcome = 'ok' and checks_failed = 0"


def _phase(column: str) -> tuple[str, str]:
    """Give a phase of requests; where it is negative there was none, or nobody measured it."""
    return f"{_HTTP} and {column} >= 0", f"{column} / 1000.0"


FROM_SAMPLES: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        # metric: (which samples, value)
        "http_reqs": (_HTTP, "1"),
        "http_req_failed": (f"{_HTTP} and {_KNOWN}", _FAILED),
        "http_req_duration": (_HTTP, _SERVICE_MS),
        "http_req_blocked": _phase("blocked_us"),
        "http_req_connecting": _phase("connecting_us"),
        "http_req_tls_handshaking": _phase("tls_us"),
        "http_req_sending": _phase("sending_us"),
        "http_req_waiting": _phase("waiting_us"),
        "http_req_receiving": _phase("receiving_us"),
        "user_creation_duration": (f"{_HTTP} and operation = 'create_user'", _SERVICE_MS),
        "response_time": ("true", "(ended_us - intended_us) / 1000.0"),
        "schedule_lag": ("true", "(started_us - intended_us) / 1000.0"),
        "success": (_KNOWN, f"if({_GOOD}, 1, 0)"),
        "errors": (_KNOWN, f"if({_GOOD}, 0, 1)"),
        TARGET_ANSWERED: (_KNOWN, "if(outcome = 'ok', 1, 0)"),
        "data_sent": ("true", "bytes_out"),
        "data_received": ("true", "bytes_in"),
        "db_queries": (_POSTGRES, "1"),
        "db_query_failed": (f"{_POSTGRES} and {_KNOWN}", _FAILED),
        "db_query_duration": (_POSTGRES, _SERVICE_MS),
        "db_records": (_POSTGRES, _OK_RECORDS),
        "message_deliveries": (_PRODUCED, _OK_RECORDS),
        "message_delivery_failed": (f"{_PRODUCED} and {_KNOWN}", _FAILED),
        "message_delivery_duration": (_PRODUCED, _SERVICE_MS),
        "messages_consumed": (_CONSUMED, _OK_RECORDS),
        "message_processing_duration": (_CONSUMED, _SERVICE_MS),
    }
)
BY_OPERATION: Final = frozenset(FROM_SAMPLES) | {"checks"}
FROM_SCENARIOS: Final = frozenset({"iterations", "dropped_iterations", "interrupted_iterations"})
FROM_ITERATIONS: Final = frozenset({"iteration_duration"})
FROM_VUS: Final = frozenset({"vus", "vus_max", "vus_busy"})
FROM_FIGURES: Final = (
    frozenset(name for name, each in CATALOG.items() if each.kind is Kind.GAUGE) - FROM_VUS
)
FROM_READINGS: Final = frozenset(
    name for name, each in CATALOG.items() if each.tags == frozenset({"source"})
)

_CHECKS: Final = """
select run_id, benchmark, 'checks' as metric, scenario, operation, '' as status, '' as outcome,
    '' as error, '' as source, check_name, 0 as at_us, hits.value, hits.weight
from checks, lateral (values (1, passes), (0, fails)) as hits(value, weight)
where hits.weight > 0
"""


def metric_rows(metric: str) -> str:
    """Give the SELECT whose rows are a metric's values, over all runs and benchmarks.

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


# A figure has no time of its own: the order of writing stands for it.
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
    """Give the SELECT of the view `metric_values`: every value of every metric of every run."""
    single = sorted(known_metrics() - FROM_FIGURES - FROM_READINGS - FROM_VUS)
    parts = [metric_rows(metric) for metric in single]
    parts += [f"{_FIGURES} and name in ({_listed(FROM_FIGURES)})"]
    parts += [f"{_READINGS} and name in ({_listed(FROM_READINGS)})"]
    parts += [f"{_VUS} and name in ({_listed(FROM_VUS)})"]
    columns = ", ".join(METRIC_COLUMNS)
    return "\nunion all\n".join(f"select {columns} from ({part})" for part in parts)


def view_hash() -> str:
    """Identify this version of the view, so that it is replaced only when it changed."""
    return sha256(metric_values_view().encode()).hexdigest()[:16]


def _listed(names: frozenset[str]) -> str:
    return ", ".join(f"'{name}'" for name in sorted(names))
