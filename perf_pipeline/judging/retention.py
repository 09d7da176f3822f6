"""Drop what is old: raw samples in the history and their files in the spool.

Add here: something else that grows with every run. Keep out: summaries, verdicts and diffs, which
stay for ever.
"""

import shutil

from perf_pipeline.judging.reruns import TRIGGER
from perf_pipeline.store.history import History
from perf_pipeline.store.state import State


def let_go(history: History, state: State, run_id: str, keep_raw_runs: int) -> list[str]:
    """Drop raw samples and spool files of all but the newest runs; return the ids that lost files.

    Only the newest run decides, by its own profile: a report of an old run drops nothing. A run
    that is not in the history keeps its files, because they are all that there is of it.
    """
    newest_first = reversed(history.asked.made_runs())
    if next((run.run_id for run in newest_first if run.trigger != TRIGGER), None) != run_id:
        return []
    # Nearly all runs of a long history have no folder there: to look for each took longer than to
    # list those that are, and the question below proves all rows of a run.
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
