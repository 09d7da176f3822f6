"""Judge made-up samples: a profile with thresholds, a stored run, its verdicts.

Add here: another way to store what is judged. Keep out: assertions, and the samples themselves.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import duckdb

from perf_pipeline.config.loading import validate_profile
from perf_pipeline.config.profile import Profile
from perf_pipeline.judging.judge import judge_in
from perf_pipeline.metrics.sample import Sample
from perf_pipeline.metrics.threshold import Verdict
from perf_pipeline.store.history import _history
from perf_pipeline.store.migrate import migrate
from perf_pipeline.store.records import RunKey, RunRecord, ScenarioCounts
from perf_pipeline.store.state import State
from perf_pipeline_tests.support.histories.new_history import history_at
from perf_pipeline_tests.support.histories.spool import Spool, complete, counts

FAST: Mapping[str, list[object]] = {"http_req_duration": ["max<60000"]}
# Its VUs loop freely: no start of it was planned.
CLOSED = replace(counts("create", iterations=100), intended_iterations=0)


def profile_with(thresholds: Mapping[str, list[object]], *scenarios: str) -> Profile:
    """Give a profile of one benchmark, `api`, whose scenarios are HTTP steps."""
    plan = {
        "exec": "http_steps",
        "executor": "constant-vus",
        "duration": "10s",
        "parameters": {"steps": [{"name": "get", "path": "/"}]},
    }
    benchmark = {
        "scenarios": dict.fromkeys(scenarios or ("create",), plan),
        "thresholds": dict(thresholds),
    }
    return validate_profile({"name": "answered", "benchmarks": {"api": benchmark}}, "here")


def stored(
    state: Path, samples: Sequence[Sample], profile: Profile, *scenarios: ScenarioCounts
) -> None:
    """Store samples as a run, `r1`, that was made with a profile, in the history of a state."""
    folder = _spooled(state, samples, profile, *scenarios)
    with history_at(State(state).history_file) as history:
        history.ingest(folder, "api")
        history.summarise(RunKey("r1", "api"), profile.benchmarks["api"].all_thresholds())


def _spooled(
    state: Path, samples: Sequence[Sample], profile: Profile, *scenarios: ScenarioCounts
) -> Path:
    outcome = replace(complete(*(scenarios or (CLOSED,))), load_hash="l")
    folder = Spool(samples=samples, outcome=outcome).write(State(state).spool)
    record = RunRecord.from_json((folder / "run.json").read_text())
    made_with = replace(record, profile_json=profile.as_json, config_hash=profile.config_hash)
    (folder / "run.json").write_text(made_with.to_json())
    return folder


def judged(
    state: Path,
    samples: Sequence[Sample],
    thresholds: Mapping[str, list[object]] = FAST,
    *scenarios: ScenarioCounts,
) -> dict[str, Verdict]:
    """Give the verdicts on samples by the keys of their thresholds; the state has a spool only."""
    profile = profile_with(thresholds, *(scenario.name for scenario in scenarios))
    return judged_spool(state, _spooled(state, samples, profile, *scenarios), profile)


def judged_spool(state: Path, folder: Path, profile: Profile) -> dict[str, Verdict]:
    """Give the verdicts on a spooled run, `r1`, by the keys of their thresholds."""
    # One that has proven no row so far, as a command opens it.
    history = _history(Path(":memory:"), _in_memory())
    # In the place of what was judged before, unless that was better.
    assert not history.ingest(folder, "api").was_kept
    verdicts = judge_in(history, State(state), "r1", profile=profile)["api"]
    return {verdict.threshold.key: verdict for verdict in verdicts}


@cache
def _in_memory() -> duckdb.DuckDBPyConnection:
    """Give the history of this process for what is only judged: a file takes twice the CPU."""
    connection = duckdb.connect(":memory:", config={"threads": 1})
    migrate(connection, "memory")
    return connection
