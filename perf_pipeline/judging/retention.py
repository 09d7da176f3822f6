"""Remove old raw samples from the history, and their files from the spool.

Add here: something else that grows with every run. Keep out: summaries, verdicts and diffs, which
stay forever.
"""

import shutil

from perf_pipeline.judging.reruns import TRIGGER
from perf_pipeline.store.history import History
from perf_pipeline.store.state import State


def let_go(history: History, state: State, run_id: str, keep_raw_runs: int) -> list[str]:
    """Remove raw samples and spool files of all but the newest runs; return ids that lost files.

    Only the newest run decides, by its own profile; a report of an old run removes nothing. A run
    that is not in the history keeps its files, because nothing else is left of it.
    """
    newest_first = reversed(history.asked.made_runs())
    if next((run.run_id for run in newest_first if run.trigger != TRIGGER), None) != run_id:
        return []
    # Nearly all runs of a long history have no folder in the spool: checking each took longer than
    # listing existing folders, and the query below verifies all rows of a run.
    spooled = {folder.name: folder for folder in state.spooled_runs()}
    dropped = []
    for old in history.prune(keep_raw_runs):
        folder = spooled.get(old)
        if folder is None:
            continue
        stored = {outcome.benchmark for outcome in history.outcomes(old)}
        if set(state.spooled_benchmarks(old)) <= stored:
            shutil.rmtree(folder)
            dropped.append(old)
    return dropped
