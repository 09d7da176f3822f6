"""Write runs with made-up figures into a history, as if they had been measured.

Add here: another fact that a comparison reads. Keep out: assertions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from perf_pipeline.config.loading import load_profile
from perf_pipeline.config.profile import Profile
from perf_pipeline.metrics.summary import Summary
from perf_pipeline.store.records import BenchmarkOutcome, RunRecord
from perf_pipeline.store.state import State
from perf_pipeline_tests.support.histories.made_before import stored_once
from perf_pipeline_tests.support.histories.new_history import history_at
from perf_pipeline_tests.support.histories.stored_at_once import WithoutSamples, store_at_once

QUIET = (80.0, 80.8, 79.2, 80.4, 79.6, 80.0, 80.6, 79.4)  # about 0.7 % of noise
API, END = "api_user_creation", "end_to_end"
_BEGAN = datetime(2026, 11, 1, tzinfo=UTC)


@cache
def _quick() -> Profile:
    return load_profile("quick")


@dataclass(frozen=True, slots=True)
class Made:
    """Describe one made-up run: p(95) and median of `http_req_duration` of its benchmarks.

    Attributes:
        p95_ms: by benchmark; the median is half of it.
        environment: of the run.
        profile: whose name, load and thresholds it has.
        trigger: who started it.
        valid: the load generator kept up.
        run_id: numbered when empty.
        tags: of the summaries.
        machine_ms: what the calibration took on each side of the load; None without one.
        revision: what was measured.
        machine: exact facts of the load machine.
        run_tags: what people called the run.
        also: further metrics of each benchmark, each with the factor of its figures.
    """

    p95_ms: Mapping[str, float]
    environment: Mapping[str, str] = field(default_factory=lambda: {"cpu": "two cores"})
    profile: Profile = field(default_factory=_quick)
    trigger: str = "cli"
    valid: bool = True
    run_id: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    machine_ms: float | None = None
    revision: Mapping[str, str] = field(default_factory=dict)
    machine: Mapping[str, str] = field(default_factory=dict)
    run_tags: Mapping[str, str] = field(default_factory=dict)
    also: Mapping[str, float] = field(default_factory=dict)


def api_runs(*p95_ms: float) -> list[Made]:
    """Make runs of the API benchmark, one per figure."""
    return [Made({API: value}, profile=_quick()) for value in p95_ms]


def add_runs(state: Path, runs: Sequence[Made]) -> list[str]:
    """Store runs an hour apart, after those that are there, and give their ids (r1, r2 ...)."""
    ids: list[str] = []
    texts = [_text(made) for made in runs]
    stored_once(state, texts, lambda copied: ids.extend(_add(state, runs, copied)))
    copied = runs[: len(runs) - len(ids)]
    return [*(_named(made, number).run_id for number, made in enumerate(copied, 1)), *ids]


def _text(made: Made) -> str:
    """Write down all that decides what a run is stored as."""
    facts = [getattr(made, part.name) for part in fields(made) if part.name != "profile"]
    return f"{facts!r} {made.profile.config_hash} {made.profile.as_json}"


def _named(made: Made, number: int) -> Made:
    return replace(made, run_id=made.run_id or f"r{number:03}")


def _add(state: Path, runs: Sequence[Made], copied: int) -> list[str]:
    with history_at(State(state).history_file) as history:
        known = copied or len(history.run_ids())
        made = [made_at(made, number) for number, made in enumerate(runs[copied:], known + 1)]
        for run in made:
            spool(State(state).spool, run)
        store_at_once(history, made)
    return [run.record.run_id for run in made]


def made_at(made: Made, number: int) -> WithoutSamples:
    """Make a run that began so many hours after the first moment of all."""
    began_at = (_BEGAN + timedelta(hours=number)).isoformat()
    return WithoutSamples(
        _record(_named(made, number), began_at),
        [_outcome(made, benchmark, began_at) for benchmark in made.p95_ms],
        {benchmark: _summaries(made, p95_ms) for benchmark, p95_ms in made.p95_ms.items()},
    )


def spool(folder: Path, run: WithoutSamples) -> Path:
    """Write the spool that the run would have left, and give its folder."""
    path = folder / run.record.run_id
    for outcome in run.outcomes:
        (path / outcome.benchmark).mkdir(parents=True)
        (path / outcome.benchmark / "outcome.json").write_text(outcome.to_json(), encoding="utf-8")
    (path / "run.json").write_text(run.record.to_json(), encoding="utf-8")
    return path


def _record(made: Made, began_at: str) -> RunRecord:
    return RunRecord(
        made.run_id,
        made.profile.name,
        made.profile.as_json,
        made.profile.config_hash,
        made.profile.seed,
        "http://127.0.0.1:8000",
        made.trigger,
        "0.1.0",
        began_at,
        made.environment,
        revision=made.revision,
        machine=made.machine,
        tags=made.run_tags,
    )


def _outcome(made: Made, benchmark: str, began_at: str) -> BenchmarkOutcome:
    return BenchmarkOutcome(
        benchmark,
        "complete",
        began_at,
        60.0,
        50.0,
        valid=made.valid,
        load_hash=made.profile.load_hash(benchmark),
    )


def _summaries(made: Made, p95_ms: float) -> list[Summary]:
    others = [
        replace(_summary(factor * p95_ms, made.tags), metric=metric, last=factor * p95_ms)
        for metric, factor in made.also.items()
    ]
    return [_summary(p95_ms, made.tags), *others, *_calibration(made)]


def _calibration(made: Made) -> list[Summary]:
    """Give the calibration: as long on each side of the load, and for each part."""
    if made.machine_ms is None:
        return []
    plain = _summary(2 * made.machine_ms, {})
    return [
        replace(plain, metric=f"calibration_{part}_ms", tags={"source": side}, count=1)
        for part in ("cpu", "loopback", "disk")
        for side in ("before", "after")
    ]


def _summary(p95_ms: float, tags: Mapping[str, str]) -> Summary:
    return Summary(
        metric="http_req_duration",
        tags=tags,
        count=5_000,
        rate=None,
        minimum=1.0,
        average=p95_ms / 2,
        median=p95_ms / 2,
        p90=p95_ms * 0.9,
        p95=p95_ms,
        p99=p95_ms * 1.5,
        p99_9=p95_ms * 2,
        maximum=p95_ms * 3,
        last=None,
    )
