"""What to do about a database whose sessions wait for one thing most of the time.

The names are PostgreSQL's: https://www.postgresql.org/docs/current/monitoring-stats.html (wait
events). Add here: another thing that sessions wait for, and its remedy. Keep out: how waits are
seen (probes/postgres_costs.py), and what to do about a tier of which no more is known
(bottleneck_rules.py).
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from perf_pipeline.analysis.bottleneck_rules import LOCKS
from perf_pipeline.analysis.costs import TopCost

_MOST_OF_IT: Final = 0.5
_LOG: Final = (
    "give the write-ahead log a faster disk, commit several changes at once, and see commit_delay; "
    "synchronous_commit = off is faster where the last moments may be lost"
)
_READS: Final = (
    "what is read is not in memory: add the missing indexes, raise shared_buffers or take a "
    "machine with more memory, read less at once"
)
_SPILLS: Final = "sorts and hashes do not fit into memory: raise work_mem, or sort and join less"
_REMEDIES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "Lock: extend": "",  # a table grows: no order of rows helps
        "Lock: ": LOCKS,
        "IO: Wal": _LOG,
        "IO: WAL": _LOG,
        "LWLock: WAL": _LOG,
        "IO: DataFileRead": _READS,
        "IO: DataFilePrefetch": _READS,
        "IO: BufFile": _SPILLS,
    }
)


def advice_for_waits(costs: Iterable[TopCost]) -> str:
    """Return what to do about what most of the sessions' time went into; empty if nothing did.

    Args:
        costs: of the database; those of other kinds than `wait` are passed over.
    """
    shares: dict[str, float] = {}
    for top in costs:
        advice = _remedy(top.cost.name) if top.cost.kind == "wait" else ""
        if advice:
            shares[advice] = shares.get(advice, 0.0) + top.share
    most = max(shares, key=lambda advice: shares[advice], default="")
    return most if shares.get(most, 0.0) >= _MOST_OF_IT else ""


def _remedy(name: str) -> str:
    return next((advice for start, advice in _REMEDIES.items() if name.startswith(start)), "")
