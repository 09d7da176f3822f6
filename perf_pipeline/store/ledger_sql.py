"""A message on its way, in SQL over the ledger: its latency, and the stages that add up to it.

A stage ends where the next known station is. Stations are clipped so that they are in order: a
message can be published, and even completed, before the API's answer is at the caller, and then
the rest of the answer's way is not on the message's way. So the stages of a message are never
negative and add up to its latency exactly.

Add here: a stage, or another question to the stations. Keep out: which stage is too slow
(analysis/attribution.py).
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

MESSAGE_LATENCY: Final = "message_latency"
# metric: µs between two stations; null where the system does not tell of them
STAGES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "stage_start": "started_us - intended_us",
        "stage_api": "coalesce(queried_us, acknowledged_us) - coalesce(started_us, intended_us)",
        "stage_database": "acknowledged_us - queried_us",
        "stage_outbox": "published_us - acknowledged_us",
        "stage_queue": "received_us - published_us",
        "stage_worker": "completed_us - received_us",
        "stage_system": (
            "case when published_us is null "
            "then coalesce(received_us, completed_us) - acknowledged_us "
            "when received_us is null then completed_us - published_us end"
        ),
    }
)
FROM_LEDGER: Final = frozenset({MESSAGE_LATENCY, *STAGES})

# A station and those after it: the first is clipped to what the others allow.
_AFTERWARDS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "received": ("completed",),
        "published": ("received", "completed"),
        "acknowledged": ("published", "received", "completed"),
        "queried": ("acknowledged", "published", "received", "completed"),
        "started": ("queried", "acknowledged", "published", "received", "completed"),
    }
)
_EVENTS: Final = ("intended", *_AFTERWARDS, "completed")
# least() passes over nulls: a station that is not known stays so, and clips no other.
_CLIPPED: Final = ", ".join(
    f"if({event} is null, null, least({event}, {', '.join(after)})) as {event}_us"
    for event, after in _AFTERWARDS.items()
)
_FIRST: Final = ", ".join(
    f"min(at_us) filter (where event = '{event}') as {event}" for event in _EVENTS
)
_MEASURED: Final = """left join (
    select run_id, benchmark,
        min(measured_from_us) as from_us, max(measured_until_us) as until_us
    from scenarios where measured_until_us > measured_from_us group by run_id, benchmark
) as measured on measured.run_id = ids.run_id and measured.benchmark = ids.benchmark"""
_IN_WINDOW: Final = "(from_us is null or intended_us >= from_us and intended_us < until_us)"
# The ledger has no phase, so a message belongs to the phase in which its call was intended.
# Without a measured window (nobody wrote one down) every message counts.
_ROWS: Final = """
select ids.run_id, ids.benchmark, '{metric}' as metric, '' as scenario, '' as operation,
    '' as status, '' as outcome, '' as error, '' as source, '' as check_name,
    completed_us as at_us, ({value}) / 1000.0 as value, 1 as weight
from ({stations}) as ids
{measured}
where ({value}) is not null and {in_window}
"""
_ROWS_TOGETHER: Final = """
select run_id, benchmark, metric, '' as scenario, '' as operation, '' as status, '' as outcome,
    '' as error, '' as source, '' as check_name, at_us, us / 1000.0 as value, 1 as weight
from (
    select ids.run_id, ids.benchmark, completed_us as at_us,
        unnest([{metrics}]) as metric, unnest([{values}]) as us
    from ({stations}) as ids
    {measured}
    where {in_window}
) where us is not null
"""


def stations(ledger: str, keys: str = "") -> str:
    """Return the SELECT that says of each completed message when it passed which station.

    Args:
        ledger: table or subquery with the ledger's columns.
        keys: names of the columns that tell ledgers apart, each followed by a comma.
    """
    first = f"select {keys}message_id, {_FIRST} from {ledger} group by {keys}message_id"
    return (
        f"select {keys}message_id, intended as intended_us, completed as completed_us, {_CLIPPED} "
        f"from ({first}) where intended is not null and completed is not null"
    )


def ledger_rows(metric: str) -> str:
    """Return the SELECT whose rows are a metric's values in ms, over all runs and benchmarks.

    Raises:
        KeyError: the metric does not come from the ledger.
    """
    return _ROWS.format(metric=metric, value=_value(metric), **_common())


def ledger_rows_of(metrics: Sequence[str]) -> str:
    """Return the SELECT whose rows are those of `ledger_rows` for several metrics together.

    Raises:
        KeyError: one of them does not come from the ledger.
    """
    return _ROWS_TOGETHER.format(
        metrics=", ".join(f"'{metric}'" for metric in metrics),
        values=", ".join(map(_value, metrics)),
        **_common(),
    )


def _value(metric: str) -> str:
    return "completed_us - intended_us" if metric == MESSAGE_LATENCY else STAGES[metric]


def _common() -> dict[str, str]:
    found = stations("ledger", "run_id, benchmark, ")
    return {"stations": found, "measured": _MEASURED, "in_window": _IN_WINDOW}
