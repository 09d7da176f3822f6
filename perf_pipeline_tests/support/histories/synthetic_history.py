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
from perf_pipeline.store.records import BenchmarkOutcome, RunKey, RunRecord
from perf_pipeline.store.state import State
from perf_pipeline.store.tables import write_summaries
from perf_pipeline_tests.support.histories.made_before import stored_once
from perf_pipeline_tests.support.histories.new_history import history_at

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
    ids = []
    with history_at(State(state).history_file) as history:
        known = copied or len(history.runs(1_000))
        for number, made in enumerate(runs[copied:], known + 1):
            began_at = (_BEGAN + timedelta(hours=number)).isoformat()
            named = _named(made, number)
            folder = _write(state, named, began_at)
            for benchmark, p95_ms in named.p95_ms.items():
                history.ingest(folder, benchmark)
                key = RunKey(named.run_id, benchmark)
                plain = _summary(p95_ms, named.tags)
                others = [
                    replace(
                        _summary(factor * p95_ms, named.tags), metric=metric, last=factor * p95_ms
                    )
                    for metric, factor in named.also.items()
                ]
                made_up = [plain, *others, *_calibration(named)]
                write_summaries(history.connection, key, made_up)
            ids.append(named.run_id)
    return ids


def _write(state: Path, made: Made, began_at: str) -> Path:
    folder = State(state).spool / made.run_id
    record = RunRecord(
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
    for benchmark in made.p95_ms:
        (folder / benchmark).mkdir(parents=True)
        outcome = BenchmarkOutcome(
            benchmark,
            "complete",
            began_at,
            60.0,
            50.0,
            valid=made.valid,
            load_hash=made.profile.load_hash(benchmark),
        )
        (folder / benchmark / "outcome.json").write_text(outcome.to_json(), encoding="utf-8")
    (folder / "run.json").write_text(record.to_json(), encoding="utf-8")
    return folder


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
