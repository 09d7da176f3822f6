"""Bring spooled benchmarks into the history; again and again without harm.

Add here: another way to find what waits in the spool. Keep out: SQL (store/).
"""

import json
from pathlib import Path
from typing import Final

from perf_pipeline.config.loading import validate_profile
from perf_pipeline.config.profile import Profile
from perf_pipeline.errors import RequestError
from perf_pipeline.metrics.summary import Summary
from perf_pipeline.runs.session import history_of, spool_of
from perf_pipeline.store.history import History, open_history
from perf_pipeline.store.records import Ingested, RunKey

WAIT_S: Final = 30.0


def ingest_benchmark(
    state: Path, key: RunKey, *, profile: Profile | None = None, wait_s: float = WAIT_S
) -> tuple[Ingested, list[Summary]]:
    """Store one benchmark and its summaries; what was stored of it before is replaced.

    Args:
        state: folder of spool and history.
        key: which benchmark.
        profile: whose thresholds' tag filters get a summary each; the run's own when None.
        wait_s: for the history, when it is open elsewhere.

    Raises:
        StoreBusyError: the history is open elsewhere; the samples stay in the spool.
    """
    with open_history(history_of(state), wait_s=wait_s) as history:
        ingested = history.ingest(spool_of(state) / key.run_id, key.benchmark)
        judged_by = profile or profile_of(history, key.run_id)
        config = judged_by.benchmarks.get(key.benchmark)
        thresholds = config.parsed_thresholds() if config else []
        return ingested, history.summarise(key, thresholds)


def profile_of(history: History, run_id: str) -> Profile:
    """Give the profile that a run was made with."""
    return validate_profile(json.loads(history.run(run_id).profile_json), f"of run {run_id}")


def ingest_run(state: Path, run_id: str) -> list[tuple[RunKey, Ingested]]:
    """Store every benchmark of a spooled run.

    Raises:
        RequestError: there is no such run in the spool.
        StoreBusyError: the history is open elsewhere; the samples stay in the spool.
    """
    folder = spool_of(state) / run_id
    if not (folder / "run.json").exists():
        known = ", ".join(spooled_runs(state)[-5:]) or "none"
        raise RequestError(
            f"there is no run {run_id} in {spool_of(state)}", hint=f"the newest there: {known}"
        )
    keys = [RunKey(run_id, path.name) for path in sorted(folder.iterdir()) if path.is_dir()]
    return [(key, ingest_benchmark(state, key)[0]) for key in keys]


def spooled_runs(state: Path) -> list[str]:
    """Give the ids of the runs whose files are in the spool, oldest first."""
    return sorted(path.parent.name for path in spool_of(state).glob("*/run.json"))
