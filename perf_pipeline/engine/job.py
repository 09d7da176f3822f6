"""The job of a load and its outcome, as records that cross the pipe in JSON.

Add here: a fact that a worker needs or that a report quotes. Keep out: secrets (they travel beside
the job and are never part of a record) and samples (recorder.py).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from perf_pipeline.config.executors.kinds import Executor
from perf_pipeline.config.executors.registry import read_executor

JSON = None | bool | int | float | str | list["JSON"] | Mapping[str, "JSON"]


@dataclass(frozen=True, slots=True)
class ScenarioJob:
    """Describe what a scenario runs.

    Attributes:
        name: its name in the profile.
        executor: when its iterations start.
        workload: `module:Class`, which gives a `ports.Workload` when called without arguments.
        parameters: parameters of the workload as JSON values, without secrets.
        warm_up_us: starts before this time, counted from the scenario's start, are not measured.
        is_ceiling: whether it is unpaced on purpose, so that the generator may be the limit.
        side: 0 or 1 if two scenarios take turns in one plan (plan/turns.py); None otherwise.
        draws_as: the name that its random numbers depend on, so that two sides draw the same;
            empty for its own name.
    """

    name: str
    executor: Executor
    workload: str
    parameters: Mapping[str, JSON]
    warm_up_us: int = 0
    is_ceiling: bool = False
    side: int | None = None
    draws_as: str = ""

    def secrets_among(self, secrets: Mapping[str, str]) -> Mapping[str, str]:
        """Return the secrets that the workload gets: all of them, or those of its side."""
        if self.side is None:
            return secrets
        ours = _of_side(self.side)
        return {
            name.removeprefix(ours): secret
            for name, secret in secrets.items()
            if name.startswith(ours)
        }


def _of_side(side: int) -> str:
    return f"side-{side}:"


def secrets_of_sides(sides: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Join the secrets of both sides; `ScenarioJob.secrets_among` gives each its own again."""
    return {
        f"{_of_side(side)}{name}": secret
        for side, secrets in enumerate(sides)
        for name, secret in secrets.items()
    }


@dataclass(frozen=True, slots=True)
class LoadJob:
    """Describe what all workers do together.

    Attributes:
        run_id: id of the run.
        benchmark: name of the benchmark.
        step: name of the part of the benchmark (`main`, `ramp-3` ...), for the names of files.
        folder: where samples, ledger and logs go; it must exist.
        seed: seed of the run; the same seed gives the same load.
        workers: number of processes that share the load, at least 1.
        scenarios: scenarios that run at the same time, each after its `startTime`.
    """

    run_id: str
    benchmark: str
    step: str
    folder: Path
    seed: int
    workers: int
    scenarios: tuple[ScenarioJob, ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values, from which `load_job_from_json` makes an equal job."""
        scenarios = [
            {
                "name": scenario.name,
                "executor": scenario.executor.model_dump(mode="json", by_alias=True),
                "workload": scenario.workload,
                "parameters": scenario.parameters,
                "warm_up_us": scenario.warm_up_us,
                "is_ceiling": scenario.is_ceiling,
                "side": scenario.side,
                "draws_as": scenario.draws_as,
            }
            for scenario in self.scenarios
        ]
        return {
            "run_id": self.run_id,
            "benchmark": self.benchmark,
            "step": self.step,
            "folder": str(self.folder),
            "seed": self.seed,
            "workers": self.workers,
            "scenarios": scenarios,
        }


def load_job_from_json(values: Mapping[str, Any]) -> LoadJob:
    """Read a job from the JSON values of `LoadJob.to_json`."""
    scenarios = tuple(
        ScenarioJob(**{**scenario, "executor": read_executor(scenario["executor"])})
        for scenario in values["scenarios"]
    )
    return LoadJob(**{**values, "folder": Path(values["folder"]), "scenarios": scenarios})


@dataclass(frozen=True, slots=True)
class ScenarioOutcome:
    """Count how a scenario's iterations ended.

    Attributes:
        name: name of the scenario in the profile.
        iterations: iterations that ran to their end, warm-up included.
        dropped_iterations: planned starts that found no free VU, and iterations of a quota for
            which the time was too short.
        interrupted_iterations: iterations that were cut at the end of their graceful stop.
        measured_from_us: end of the warm-up, in µs since the benchmark's origin.
        measured_until_us: the planned end, or when the scenario was stopped or all its iterations
            were done.
        intended_iterations: how many starts the plan wanted; 0 for looping VUs.
        measured_iterations: the part of `iterations` whose intended start was measured.
        measured_dropped_iterations: the part of `dropped_iterations` whose intended start was
            measured.
        measured_incomplete_iterations: the part of `measured_iterations` that left operations out
            although all operations that they made went well.
    """

    name: str
    iterations: int
    dropped_iterations: int
    interrupted_iterations: int
    measured_from_us: int
    measured_until_us: int
    intended_iterations: int
    measured_iterations: int = 0
    measured_dropped_iterations: int = 0
    measured_incomplete_iterations: int = 0

    def plus(self, other: "ScenarioOutcome") -> "ScenarioOutcome":
        """Add the share of another worker of the same scenario."""
        return replace(
            self,
            iterations=self.iterations + other.iterations,
            dropped_iterations=self.dropped_iterations + other.dropped_iterations,
            interrupted_iterations=self.interrupted_iterations + other.interrupted_iterations,
            measured_from_us=min(self.measured_from_us, other.measured_from_us),
            measured_until_us=max(self.measured_until_us, other.measured_until_us),
            intended_iterations=self.intended_iterations + other.intended_iterations,
            measured_iterations=self.measured_iterations + other.measured_iterations,
            measured_dropped_iterations=(
                self.measured_dropped_iterations + other.measured_dropped_iterations
            ),
            measured_incomplete_iterations=(
                self.measured_incomplete_iterations + other.measured_incomplete_iterations
            ),
        )


@dataclass(frozen=True, slots=True)
class GeneratorHealth:
    """Say whether the figures are about the target, or about the load generator.

    Attributes:
        valid: whether no limit of the generator was reached.
        reasons: a sentence for each limit that was reached: by how much, and what helps.
        figures: the figures behind the verdict, e.g. `schedule_lag_p99_ms`, from the worst worker.
        notes: what a reader must know about a valid load, in one sentence each.
        pauses: the reasons that say that the generator was late, busy or held up, which affects
            everything that it loads.
    """

    valid: bool
    reasons: tuple[str, ...]
    figures: Mapping[str, float]
    notes: tuple[str, ...] = ()
    pauses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LoadOutcome:
    """Describe how a load went; its samples are in the job's folder.

    Attributes:
        began_at: the wall-clock time (UTC), which is only a label.
        wall_s: time from the start of the load to the end of the last worker.
        scenarios: outcomes of the scenarios, in the order of the job.
        health: the health of the generator.
        checks: names of the checks of each operation; bit i of a sample's masks is entry i.
        stopped: whether the stop event ended the load before its planned end.
    """

    began_at: datetime
    wall_s: float
    scenarios: tuple[ScenarioOutcome, ...]
    health: GeneratorHealth
    checks: Mapping[str, tuple[str, ...]]
    stopped: bool
