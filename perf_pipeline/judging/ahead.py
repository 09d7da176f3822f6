"""Read everything from the history that a comparison needs before the profile is known.

Meanwhile the command imports the rest of its modules, because DuckDB releases Python's lock. Add
here: another query that depends only on the run. Keep out: imports of profiles and of statistics,
    for which reading ahead must not wait.
"""

from typing import Final

from perf_pipeline.store.history import History
from perf_pipeline.store.series import prove_ahead

MOST_POINTS: Final = 300
"""A series over runs has the newest ones only, so many at most."""


def read_ahead(history: History, run_id: str) -> None:
    """Read and verify the rows with which a comparison begins; the open history keeps them.

    Raises:
        RequestError: there is no such run.
        StoreError: a row differs from what was written.
    """
    run = history.run(run_id)
    loads = {(outcome.benchmark, outcome.load_hash) for outcome in history.outcomes(run_id)}
    if loads:
        history.summaries(run_id)
        left_out = history.asked.runs_of_other_lines(run_id)
        prove_ahead(history.proof, run, sorted(loads), limit=MOST_POINTS, left_out=left_out)
