"""List the stored runs: when each was made, by which profile, of what target, and how it ended.

Add here: a column of the list. Keep out: the report of a single run (publish.py).
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from perf_pipeline.analysis.suspicion import DiffStatus
from perf_pipeline.judging.asked import require_runs
from perf_pipeline.metrics.threshold import Status
from perf_pipeline.report.revisions import revision_name, tags_of_run
from perf_pipeline.report.wording import minute
from perf_pipeline.store.baselines import compared_as
from perf_pipeline.store.history import History
from perf_pipeline.store.records import RunRecord
from perf_pipeline.store.state import State
from perf_pipeline.store.waiting import take_up

COLUMNS: Final = (
    *("run", "began (UTC)", "profile", "target", "version", "tags", "benchmarks", "thresholds"),
)
_GRAVEST_FIRST: Final = (Status.FAIL, Status.INVALID, Status.NO_DATA, Status.WARN, Status.PASS)


@dataclass(frozen=True, slots=True)
class ListedRun:
    """Hold what the list shows about a run.

    Attributes:
        run: the record of the run.
        benchmarks: the numbers of stored and of planned benchmarks.
        thresholds: the numbers of verdicts by status.
        regressed: how many of its compared series are REGRESSED, which fails it as well.
    """

    run: RunRecord
    benchmarks: tuple[int, int]
    thresholds: Counter[Status]
    regressed: int = 0

    @property
    def row(self) -> tuple[str, ...]:
        """Return the cells in the order of `COLUMNS`."""
        stored, planned = self.benchmarks
        counted = [
            f"{self.thresholds[status]} {status.replace('_', ' ')}"
            for status in _GRAVEST_FIRST
            if self.thresholds[status]
        ]
        regressed = f"; {self.regressed} series {DiffStatus.REGRESSED}" if self.regressed else ""
        return (
            self.run.run_id,
            minute(self.run.began_at),
            self.run.profile,
            self.run.target.partition(":")[0],
            revision_name(self.run.revision),
            tags_of_run(self.run.tags),
            f"{stored} of {planned}",
            f"{', '.join(counted) or 'none judged'}{regressed}",
        )

    @property
    def plain(self) -> dict[str, object]:
        """Return the entry for programs: numbers as numbers, and every status that occurs."""
        stored, planned = self.benchmarks
        return {
            "run": self.run.run_id,
            "began_at": self.run.began_at,
            "profile": self.run.profile,
            "target": self.run.target,
            "trigger": self.run.trigger,
            "revision": dict(self.run.revision),
            "tags": dict(self.run.tags),
            "benchmarks": {"stored": stored, "planned": planned},
            "thresholds": {
                str(status): self.thresholds[status]
                for status in _GRAVEST_FIRST
                if self.thresholds[status]
            },
            "regressed": self.regressed,
        }


def listed_runs(
    state: State, limit: int, tags: Mapping[str, str] = MappingProxyType({})
) -> list[ListedRun]:
    """List the newest runs, newest first, including killed runs.

    Args:
        state: folder of the history.
        limit: the largest number of runs.
        tags: only runs with all of these tags.

    Raises:
        RequestError: no run was ever made in this folder.
        StoreBusyError: the history is open elsewhere.
    """
    require_runs(state)
    with state.history() as history:
        take_up(history, state)
        runs = history.tagged_runs(limit, tags)
        found = [_listed(history, run) for run in runs]
        regressed = compared_as(history, [run.run_id for run in runs], DiffStatus.REGRESSED)
    return [replace(row, regressed=regressed.get(row.run.run_id, 0)) for row in found]


def _listed(history: History, run: RunRecord) -> ListedRun:
    stored = {outcome.benchmark for outcome in history.outcomes(run.run_id)}
    planned = set(run.planned or ()) | stored
    statuses = Counter(verdict.status for _, verdict in history.verdicts(run.run_id))
    return ListedRun(run, (len(stored), len(planned)), statuses)
