"""Read the stored origins of a run's comparisons.

Add here: another fact about origins. Keep out: layout (report/) and SQL (store/).
"""

from dataclasses import dataclass

from perf_pipeline.errors import RequestError
from perf_pipeline.metrics.naming import series_label
from perf_pipeline.report.model import Origin
from perf_pipeline.store.comparison_rows import DiffRow
from perf_pipeline.store.history import History
from perf_pipeline.store.lineage import Lineage, judged
from perf_pipeline.store.records import RunRecord
from perf_pipeline.store.state import State


@dataclass(frozen=True, slots=True)
class RunLineage:
    """Hold a run with the origin of each of its comparisons.

    Attributes:
        run: the run.
        comparisons: (benchmark, diff, its lineage).
    """

    run: RunRecord
    comparisons: tuple[tuple[str, DiffRow, Lineage], ...]


def lineage_of(state: State, run_id: str) -> RunLineage:
    """Return the lineage of a compared run.

    Raises:
        RequestError: there is no such run, or it was not compared yet.
        StoreBusyError: the history is open elsewhere.
    """
    with state.history() as history:
        run, found = history.run(run_id), judged(history, run_id)
    if not found:
        raise RequestError(
            f"run {run_id} has not been compared yet",
            hint=f"`perf-pipeline compare {run_id}` does it",
        )
    return RunLineage(run, tuple(found))


def origins_of(history: History, run_id: str) -> list[Origin]:
    """Return the lineage of every stored comparison of a run, for its report."""
    return [
        Origin(
            benchmark,
            series_label(diff.metric, diff.tags, diff.statistic),
            origin.reference or diff.baseline_kind,
            tuple(origin.baseline_run_ids),
            origin.config_hash,
            origin.code_version,
        )
        for benchmark, diff, origin in judged(history, run_id)
    ]
