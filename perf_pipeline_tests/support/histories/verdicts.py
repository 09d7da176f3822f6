"""Judge made-up samples: a profile with thresholds, a stored run, its verdicts.

Add here: another way to store what is judged. Keep out: assertions, and the samples themselves.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from perf_pipeline.config.loading import validate_profile
from perf_pipeline.config.profile import Profile
from perf_pipeline.judging.judge import judge_run
from perf_pipeline.metrics.sample import Sample
from perf_pipeline.metrics.threshold import Verdict
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
    """Store samples as a run, `r1`, that was made with a profile."""
    outcome = replace(complete(*(scenarios or (CLOSED,))), load_hash="l")
    folder = Spool(samples=samples, outcome=outcome).write(State(state).spool)
    record = RunRecord.from_json((folder / "run.json").read_text())
    made_with = replace(record, profile_json=profile.as_json, config_hash=profile.config_hash)
    (folder / "run.json").write_text(made_with.to_json())
    with history_at(State(state).history_file) as history:
        history.ingest(folder, "api")
        history.summarise(RunKey("r1", "api"), profile.benchmarks["api"].all_thresholds())


def judged(
    state: Path,
    samples: Sequence[Sample],
    thresholds: Mapping[str, list[object]] = FAST,
    *scenarios: ScenarioCounts,
) -> dict[str, Verdict]:
    """Store samples as a run, and give its verdicts by the keys of their thresholds."""
    profile = profile_with(thresholds, *(scenario.name for scenario in scenarios))
    stored(state, samples, profile, *scenarios)
    return {
        verdict.threshold.key: verdict
        for verdict in judge_run(State(state), "r1", profile=profile)["api"]
    }
