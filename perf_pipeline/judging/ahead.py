"""Read from the history what every comparison needs, before the profile is known.

The command imports the rest of its modules meanwhile, because DuckDB works without Python's lock.
Add here: another query that depends on the run alone. Keep out: imports of profiles and of
statistics, because reading ahead must not wait for them.
"""

from typing import Final

from perf_pipeline.store.history import History
from perf_pipeline.store.series import prove_ahead

MOST_POINTS: Final = 300
"""A series over runs has the newest ones only, so many at most."""


def read_ahead(history: History, run_id: str) -> None:
    """Read and prove what a comparison of a run begins with; the open history keeps it.

    Raises:
        RequestError: there is no such run.
        StoreError: a row that was read is not the one that was written.
    """
    run = history.run(run_id)
    loads = {(outcome.benchmark, outcome.load_hash) for outcome in history.outcomes(run_id)}
    if loads:
        history.summaries(run_id)
        left_out = history.asked.runs_of_other_lines(run_id)
        prove_ahead(history.proof, run, sorted(loads), limit=MOST_POINTS, left_out=left_out)
