"""Where a comparison comes from: the runs of its baseline, the configuration and the code.

Add here: another origin of a judgement. Keep out: the judgement itself (tables.py).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from datetime import UTC, datetime
from typing import Final

from perf_pipeline.store.comparison_rows import DiffRow
from perf_pipeline.store.history import History
from perf_pipeline.store.ingest import transaction
from perf_pipeline.store.proof import seal
from perf_pipeline.store.records import RunKey
from perf_pipeline.store.tables import DIFF_COLUMNS, insert_rows

_DELETE: Final = "delete from {table} where run_id = ? and list_contains(?::varchar[], benchmark)"
_TABLES: Final = ("diffs", "lineage")
_KEY: Final = "run_id, benchmark, position"
_LINEAGE: Final = "reference, baseline_run_ids, reason, config_hash, code_version"
_SELECT: Final = """
select benchmark, diffs.metric, tags, statistic, value, baseline_kind, baseline_runs,
    baseline_median, change_ratio, change_low, change_high, minimum_detectable_ratio, status,
    reference, baseline_run_ids, reason, config_hash, code_version
from diffs join lineage using (run_id, benchmark, position)
where run_id = ? order by benchmark, position
"""
_RESTING: Final = """
select distinct profile from lineage join runs using (run_id)
where list_contains(baseline_run_ids, ?)
"""


@dataclass(frozen=True, slots=True)
class Lineage:
    """Say where one comparison comes from.

    Attributes:
        reference: name of the pinned release; empty for history and a profile's fixed figure.
        baseline_run_ids: runs of the baseline, oldest first; empty for a fixed figure.
        reason: why the status is what it is, where it needs one.
        config_hash: the configuration hash of the profile that judged.
        code_version: the version of the package that judged.
    """

    reference: str
    baseline_run_ids: Sequence[str]
    reason: str
    config_hash: str
    code_version: str


def store_judged(
    history: History, run_id: str, rows: Sequence[tuple[str, DiffRow, Lineage]]
) -> None:
    """Replace the diffs of benchmarks of a run, each with its lineage, in one transaction.

    Args:
        history: open.
        run_id: the id of an ingested run.
        rows: as (benchmark, diff, its lineage); benchmarks without any keep what they have.
    """
    now = datetime.now(UTC).replace(tzinfo=None)
    positions: Counter[str] = Counter()
    diffs: list[tuple[object, ...]] = []
    origins: list[tuple[object, ...]] = []
    for benchmark, diff, origin in rows:
        key = (run_id, benchmark, positions[benchmark])
        positions[benchmark] += 1
        diffs.append((*key, *astuple(diff)))
        runs = list(origin.baseline_run_ids)
        whence = (origin.reference, runs, origin.reason, origin.config_hash, origin.code_version)
        origins.append((*key, *whence, now))
    connection = history.connection
    history.asked.forget_compared()
    with transaction(connection):
        for table in _TABLES:
            connection.execute(_DELETE.format(table=table), [run_id, list(positions)])
        insert_rows(connection, "diffs", f"{_KEY}, {DIFF_COLUMNS}", diffs)
        insert_rows(connection, "lineage", f"{_KEY}, {_LINEAGE}, judged_at", origins)
        seal(connection, [RunKey(run_id, name) for name in positions], _TABLES)


def profiles_resting_on(history: History, run_id: str) -> set[str]:
    """Return the profiles of the runs whose comparisons rest on a run, which need not be here.

    Runs are compared only within a profile, so that this is the profile of that run as well; empty
    if no comparison rests on it.
    """
    rows = history.connection.execute(_RESTING, [run_id]).fetchall()
    return {profile for (profile,) in rows}


def judged(history: History, run_id: str) -> list[tuple[str, DiffRow, Lineage]]:
    """List a run's diffs with their lineage as (benchmark, diff, lineage), in stored order."""
    history.proof.require_rows([run_id], *_TABLES)
    found = []
    for benchmark, *row in history.asked.rows(_SELECT, [run_id]):
        reference, run_ids, *rest = row[12:]
        found.append((benchmark, DiffRow(*row[:12]), Lineage(reference, tuple(run_ids), *rest)))
    return found
