"""Hold what variables read apart from the iteration: run, environment, and rows of data sets.

Add here: another place where rows are found. Keep out: which row an iteration gets (values.py).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from perf_pipeline.config.data_sets import DataSet, Rows, read_csv
from perf_pipeline.config.own_files import columns_used, rows_of
from perf_pipeline.config.request_log import read_request_log
from perf_pipeline.config.templated import Templated
from perf_pipeline.engine.ports import WorkerContext
from perf_pipeline.errors import ProfileError, TargetUnavailableError
from perf_pipeline.workloads.http.parameters import own_secrets
from perf_pipeline.workloads.steps.values import DataCursor, Surroundings


def surroundings_of(parameters: Templated, context: WorkerContext) -> Surroundings:
    """Return what the variables of a scenario read beside its iterations.

    Raises:
        ProfileError: a file changed since the profile was checked.
        TargetUnavailableError: there are too few seeded users, or rows of a query.
    """
    run = str(context.parameters["run"]).partition("/")[0]
    env = {**own_secrets(context), **context.parameters.get("env", {})}
    return Surroundings(run, env, _cursors(parameters, context), _replayed(context))


def _replayed(context: WorkerContext) -> Sequence[tuple[str, str]]:
    """Return the requests of the log that gives this scenario its starts; none in any other."""
    replay = context.parameters.get("replay")
    if not replay:
        return ()
    return read_request_log(Path(replay["log"]), replay["methods"]).rows


def _cursors(parameters: Templated, context: WorkerContext) -> Mapping[str, DataCursor]:
    """Return a cursor over the rows of each data set, by name."""
    stripe = (context.worker, context.workers)
    found = {}
    for name, data in parameters.data.items():
        columns = columns_used(parameters, name)
        try:
            rows = _rows(name, data, columns, context)
        except ValueError as error:
            raise ProfileError("of the run", [str(error)]) from error
        found[name] = DataCursor(name, columns, rows, data.pick, stripe)
    return found


def _rows(name: str, data: DataSet, columns: tuple[str, ...], context: WorkerContext) -> Rows:
    if data.seeded is not None:
        return _seeded_rows(data, context)
    if data.query is not None:
        path = Path(context.parameters["query_files"][name])
        return _enough(path.name, read_csv(path, columns), data, context)
    return rows_of(name, data, columns, Path(context.parameters["folder"]))


def _seeded_rows(data: DataSet, context: WorkerContext) -> Rows:
    path = Path(context.parameters["ids_files"][data.seeded])
    rows = tuple((line,) for line in path.read_text("utf-8").split())
    needed = _last_vu(context) if data.pick == "unique per vu" else context.workers
    if len(rows) < needed:
        raise TargetUnavailableError(
            f"{path.name} has {len(rows)} ids, too few: {needed} are needed",
            hint="seed more users (key seeding.users)",
        )
    return rows


def _last_vu(context: WorkerContext) -> int:
    """Return the number of this worker's last VU: they are dealt out one by one, from 1."""
    return context.worker + 1 + (context.vus - 1) * context.workers


def _enough(name: str, rows: Rows, data: DataSet, context: WorkerContext) -> Rows:
    needed = _last_vu(context) if data.pick == "unique per vu" else 1
    if len(rows) < needed:
        raise TargetUnavailableError(
            f"{name} has {len(rows)} rows, too few for {needed} VUs to have one each",
            hint="let its query give more rows, or run fewer VUs",
        )
    return rows
