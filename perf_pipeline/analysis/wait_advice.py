"""Advise on a database whose sessions wait for one thing most of the time.

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
_LEAST_S: Final = 1.0  # ten looks: less is no reason to change a server
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
        "Lock: extend": "",  # a table grows, or the application's own lock: no order of rows helps
        "Lock: advisory": "",
        "Lock: ": LOCKS,
        "IO: Wal": _LOG,
        "IO: WAL": _LOG,
        "LWLock: WALWrite": _LOG,
        "IO: DataFileRead": _READS,
        "IO: DataFilePrefetch": _READS,
        "IO: Aio": _READS,  # of PostgreSQL 18
        "IO: BufFile": _SPILLS,
    }
)


def advice_for_waits(costs: Iterable[TopCost]) -> str:
    """Return what to do about what most of the sessions' time went into; empty if nothing did.

    Args:
        costs: the largest of the database; those of other kinds than `wait` are passed over.
    """
    found: dict[str, list[TopCost]] = {}
    for top in costs:
        if top.cost.kind == "wait" and (advice := _remedy(top.cost.name)):
            found.setdefault(advice, []).append(top)
    for advice, alike in found.items():
        share, seconds = sum(top.share for top in alike), sum(top.cost.value for top in alike)
        if share >= _MOST_OF_IT and seconds >= _LEAST_S:
            return advice
    return ""


def _remedy(name: str) -> str:
    return next((advice for start, advice in _REMEDIES.items() if name.startswith(start)), "")
