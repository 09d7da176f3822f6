"""Bring spooled benchmarks into the history; doing it again does no harm.

Add here: another way to find what waits in the spool. Keep out: SQL (store/).
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
    """Store one benchmark and its summaries, replacing what was stored of it before.

    Rows are only replaced by rows that are at least as good: nothing of a damaged spool is stored
    over good rows, and the summaries are those of the good rows.

    Args:
        state: folder of spool and history.
        key: which benchmark.
        profile: whose thresholds' tag filters get a summary each; the run's own when None.
        wait_s: for the history, when it is open elsewhere.

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
    """Return of each scenario that sends `traceparent` the share of sampled traces."""
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
    """Say what became of the benchmarks of a spooled run.

    Attributes:
        stored: those whose rows are in the history, new or kept.
        problems: one sentence for each that is not as it should be.
    """

    stored: list[tuple[RunKey, Ingested]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def is_changed(self) -> bool:
        """Tell whether anything was stored that has no verdicts yet."""
        return any(not ingested.was_kept for _, ingested in self.stored)


def require_spooled(state: State, run_id: str) -> None:
    """Refuse a run of which the spool does not say what it was.

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
    read_run(folder)  # or nobody knows what the run was, and its benchmarks are of no use


def ingest_apart(state: State, run_id: str) -> IngestedRun:
    """Store a run of the spool as `ingest_in` does, and open the history for each benchmark.

    So others get a turn while one after the other is read.

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
    """Store every benchmark of a spooled run (`require_spooled`); name those that can't be.

    Raises:
        StoreError: a benchmark can't be stored, for another reason than its damage.
    """
    take_up(history, state)  # of a run that was killed at once there is nothing else
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
    """Return the ids of the runs whose files are in the spool, those written last at the end.

    Not by their names: a driver may bring ids of its own, which do not sort by time.

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
    """Name the folders in the spool that have benchmarks, and no run.json to store them by."""
    spool = state.spool
    return [
        f"{path} has no {RUN_FILE}, so nobody knows which profile it was measured with"
        for path in (sorted(spool.iterdir()) if spool.is_dir() else ())
        if path.is_dir()
        and not (path / RUN_FILE).exists()
        and any(entry.is_dir() for entry in path.iterdir())
    ]
