"""Where a comparison comes from: the runs of its baseline, the configuration and the code.

Add here: another origin of a judgement. Keep out: the judgement itself (tables.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from perf_pipeline.store.history import History
from perf_pipeline.store.ingest import transaction
from perf_pipeline.store.proof import seal
from perf_pipeline.store.records import DiffRow, RunKey

_DELETE: Final = "delete from lineage where run_id = ? and benchmark = ?"
_INSERT: Final = """
insert into lineage (run_id, benchmark, position, reference, baseline_run_ids, reason, config_hash,
    code_version, judged_at)
values (?, ?, ?, ?, ?::varchar[], ?, ?, ?, ?)
"""
_SELECT: Final = """
select benchmark, diffs.metric, tags, statistic, value, baseline_kind, baseline_runs,
    baseline_median, change_ratio, change_low, change_high, minimum_detectable_ratio, status,
    reference, baseline_run_ids, reason, config_hash, code_version
from diffs join lineage using (run_id, benchmark, position)
where run_id = ? order by benchmark, position
"""


@dataclass(frozen=True, slots=True)
class Lineage:
    """Say where one comparison comes from.

    Attributes:
        reference: name of the pinned release; empty for history and a profile's fixed figure.
        baseline_run_ids: runs of the baseline, oldest first; empty for a fixed figure.
        reason: why the status is what it is, where it needs one.
        config_hash: of the profile that judged.
        code_version: of the package that judged.
    """

    reference: str
    baseline_run_ids: Sequence[str]
    reason: str
    config_hash: str
    code_version: str


def store_judged(history: History, key: RunKey, rows: Sequence[tuple[DiffRow, Lineage]]) -> None:
    """Replace the diffs of a benchmark, each with its lineage."""
    now = datetime.now(UTC).replace(tzinfo=None)
    history.store_diffs(key, [diff for diff, _ in rows])
    with transaction(history.connection):
        history.connection.execute(_DELETE, [key.run_id, key.benchmark])
        for position, (_, each) in enumerate(rows):
            history.connection.execute(
                _INSERT,
                [
                    key.run_id,
                    key.benchmark,
                    position,
                    each.reference,
                    list(each.baseline_run_ids),
                    each.reason,
                    each.config_hash,
                    each.code_version,
                    now,
                ],
            )
        seal(history.connection, key, ["lineage"])


def judged(history: History, run_id: str) -> list[tuple[str, DiffRow, Lineage]]:
    """List a run's diffs with their lineage as (benchmark, diff, lineage), in stored order."""
    found = []
    for benchmark, *row in history.connection.execute(_SELECT, [run_id]).fetchall():
        reference, run_ids, *rest = row[12:]
        found.append((benchmark, DiffRow(*row[:12]), Lineage(reference, tuple(run_ids), *rest)))
    return found
