"""Store spooled benchmarks in the history; doing so repeatedly does no harm.

Add here: another way to find runs that wait in the spool. Keep out: SQL (store/).
"""

from dataclasses import dataclass, field
from pathlib import Path

from perf_pipeline.config.profile import BenchmarkConfig, Profile
from perf_pipeline.config.tracing import TraceParameters
from perf_pipeline.errors import RequestError, SpoolDamagedError, StoreError
from perf_pipeline.judging.stored_profile import stored_profile
from perf_pipeline.metrics.summary import Summary
from perf_pipeline.store.engines import are_large, use_all_threads
from perf_pipeline.store.history import History
from perf_pipeline.store.records import Ingested, RunKey
from perf_pipeline.store.slow_traces import keep_slow_traces
from perf_pipeline.store.spool_records import RUN_FILE, read_run
from perf_pipeline.store.state import WAIT_S, State
from perf_pipeline.store.waiting import take_up


def ingest_benchmark(
    state: State, key: RunKey, *, profile: Profile | None = None, wait_s: float = WAIT_S
) -> tuple[Ingested, list[Summary]]:
    """Store one benchmark and its summaries, replacing earlier rows of it.

    Rows are only replaced by rows that are at least as good: a damaged spool never replaces good
    rows, and the summaries are those of the good rows.

    Args:
        state: the folder of spool and history.
        key: the key of the benchmark.
        profile: the profile, each of whose thresholds' tag filters gets a summary; None for the
            run's own.
        wait_s: how long to wait for the history if it is open elsewhere.

    Raises:
        StoreBusyError: the history is open elsewhere; the samples stay in the spool.
    """
    with state.history(wait_s=wait_s) as history:
        return _ingested_in(history, state, key, profile)


def _ingested_in(
    history: History, state: State, key: RunKey, profile: Profile | None = None
) -> tuple[Ingested, list[Summary]]:
    ingested = history.ingest(state.spool / key.run_id, key.benchmark)
    if ingested.was_kept:
        stored = [
            summary for name, summary in history.summaries(key.run_id) if name == key.benchmark
        ]
        return ingested, stored
    judged_by = profile or profile_of(history, key.run_id)
    config = judged_by.benchmarks.get(key.benchmark)
    thresholds = config.all_thresholds() if config else []
    keep_slow_traces(history, key, traced_in(config) if config else {})
    return ingested, history.summarise(key, thresholds)


def traced_in(config: BenchmarkConfig) -> dict[str, float]:
    """Return the share of sampled traces of each scenario that sends `traceparent`."""
    return {
        name: scenario.parameters.trace_ratio
        for name, scenario in config.scenarios.items()
        if isinstance(scenario.parameters, TraceParameters) and scenario.parameters.trace
    }


def profile_of(history: History, run_id: str) -> Profile:
    """Return the profile that a run was made with."""
    return stored_profile(history.run(run_id).profile_json, f"of run {run_id}")


@dataclass(slots=True)
class IngestedRun:
    """Hold what happened to the benchmarks of a spooled run.

    Attributes:
        stored: the benchmarks whose rows are in the history, new or kept.
        problems: one sentence for each benchmark that is not as it should be.
    """

    stored: list[tuple[RunKey, Ingested]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def is_changed(self) -> bool:
        """Say whether anything was stored that has no verdicts yet."""
        return any(not ingested.was_kept for _, ingested in self.stored)


def require_spooled(state: State, run_id: str) -> None:
    """Refuse a run if the spool does not have its description.

    Raises:
        RequestError: there is no such run in the spool.
        SpoolDamagedError: its run.json cannot be read.
    """
    _require_folder(state.spool)
    folder = state.spool / run_id
    if not (folder / RUN_FILE).exists():
        known = ", ".join(spooled_runs(state)[-5:]) or "none"
        raise RequestError(
            f"there is no run {run_id} in {state.spool}", hint=f"the newest runs in it are: {known}"
        )
    read_run(folder)  # otherwise nobody knows what the run was, and its benchmarks are of no use


def ingest_apart(state: State, run_id: str) -> IngestedRun:
    """Store a run of the spool as `ingest_in` does, opening the history for each benchmark.

    So others get a turn while benchmarks are read one after the other.

    Raises:
        StoreBusyError: the history is open elsewhere; the samples stay in the spool.
    """
    with state.history() as history:
        take_up(history, state)
    done = IngestedRun()
    for name in state.spooled_benchmarks(run_id):
        with state.history() as history:
            _ingest_into(done, history, state, RunKey(run_id, name))
    return done


def ingest_in(history: History, state: State, run_id: str) -> IngestedRun:
    """Store every benchmark of a spooled run (`require_spooled`); name those that can't be stored.

    Raises:
        StoreError: a benchmark can't be stored for a reason other than damage.
    """
    take_up(history, state)  # a run that was killed at once has nothing else
    if are_large((state.spool / run_id).glob("*/*")):
        use_all_threads(history.connection)
    done = IngestedRun()
    for name in state.spooled_benchmarks(run_id):
        _ingest_into(done, history, state, RunKey(run_id, name))
    return done


def _ingest_into(done: IngestedRun, history: History, state: State, key: RunKey) -> None:
    try:
        ingested, _ = _ingested_in(history, state, key)
    except SpoolDamagedError as error:
        done.problems.append(f"{key.run_id} {key.benchmark}: {error.sentence}")
        return
    done.stored.append((key, ingested))
    if ingested.damage:
        what = (
            ("the history keeps the better rows that it already has")
            if ingested.was_kept
            else "INVALID"
        )
        why = "; ".join(ingested.damage)
        done.problems.append(f"{key.run_id} {key.benchmark}: its spool is damaged: {why}; {what}")


def spooled_runs(state: State) -> list[str]:
    """Return the ids of the runs whose files are in the spool, in the order of writing.

    They are not ordered by name, because a driver's own ids may not sort by time.

    Raises:
        StoreError: the spool is a file.
    """
    _require_folder(state.spool)
    files = state.spool.glob(f"*/{RUN_FILE}")
    return [path.parent.name for path in sorted(files, key=lambda file: (_written(file), file))]


def _require_folder(spool: Path) -> None:
    if spool.exists() and not spool.is_dir():
        raise StoreError(
            f"{spool} is a file, but the spool must be a folder",
            hint="move it away, or name another state folder: --state FOLDER",
        )


def _written(path: Path) -> int:
    return path.stat().st_mtime_ns


def nameless_folders(state: State) -> list[str]:
    """Name the folders in the spool that have benchmarks but no run.json, which storing needs."""
    spool = state.spool
    return [
        f"{path} has no {RUN_FILE}, so nobody knows which profile it was measured with"
        for path in (sorted(spool.iterdir()) if spool.is_dir() else ())
        if path.is_dir()
        and not (path / RUN_FILE).exists()
        and any(entry.is_dir() for entry in path.iterdir())
    ]
