"""Hold what the engine leaves beside the samples of a run, and how much of a run was stored.

Add here: a field that a later question needs (and a migration). Keep out: SQL and percentiles.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from hashlib import sha256
from typing import Any, Final, Literal, get_args

from perf_pipeline.store.json_shapes import one_of, read_object, require_shapes
from perf_pipeline.store.record_shapes import OUTCOME_SHAPES, RUN_SHAPES, SCENARIO_SHAPES

BenchmarkStatus = Literal["complete", "stopped", "aborted", "abort_on_fail"]


@dataclass(frozen=True, slots=True)
class RunKey:
    """Name one benchmark of one run: every table's key begins with it."""

    run_id: str
    benchmark: str

    @property
    def parameters(self) -> dict[str, str]:
        """Return the parameters of `OF_KEY`."""
        return {"run_id": self.run_id, "benchmark": self.benchmark}

    @property
    def in_ids(self) -> str:
        """Name it in emails, message ids and traces: two benchmarks never share one."""
        return f"{self.run_id}/{self.benchmark}"


OF_KEY: Final = "run_id = $run_id and benchmark = $benchmark"
"""SQL that chooses the rows of one benchmark of one run."""


@dataclass(frozen=True, slots=True)
class RunRecord:
    """Describe a run: what was asked for, of whom, where.

    Attributes:
        run_id: unique.
        profile: its name.
        profile_json: all of it, as the run used it.
        config_hash: the configuration hash of the resolved profile.
        seed: the seed of everything that is random in it.
        target: masked text, no secrets.
        trigger: who started it: `cli`, `dagster` ...
        code_version: the version of this package.
        began_at: UTC, ISO 8601; a label, never used to measure.
        environment: facts of the machine and the stack that make runs comparable.
        notices: what a reader of the figures must know, e.g. that the broker is an emulator.
        planned: benchmarks that it was to run, in order; None when an older version did not say.
        problems: what ended the run as a whole before its plan was done, one sentence each.
        machine: exact facts of the load machine, which group no runs: another patch of the kernel
            begins no new history.
        revision: what was measured: version of the target, and commit, branch, pull_request and
            build by CI, as far as they are known.
        tags: what people called the run; no run is compared by them.
    """

    run_id: str
    profile: str
    profile_json: str
    config_hash: str
    seed: int
    target: str
    trigger: str
    code_version: str
    began_at: str
    environment: Mapping[str, str] = field(default_factory=dict)
    notices: Sequence[str] = ()
    planned: Sequence[str] | None = None
    problems: Sequence[str] = ()
    revision: Mapping[str, str] = field(default_factory=dict)
    machine: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def environment_id(self) -> str:
        """Return the first 16 hex digits of SHA-256 over the environment as canonical JSON."""
        text = json.dumps(dict(self.environment), sort_keys=True, separators=(",", ":"))
        return sha256(text.encode()).hexdigest()[:16]

    def to_json(self) -> str:
        """Write it as JSON for run.json."""
        members = {field.name: getattr(self, field.name) for field in fields(self)}
        plain = {
            "environment": dict(self.environment),
            "notices": list(self.notices),
            "revision": dict(self.revision),
            "machine": dict(self.machine),
            "tags": dict(self.tags),
        }
        return json.dumps({**members, **plain}, indent=1)

    @classmethod
    def from_json(cls, text: str) -> "RunRecord":
        """Read run.json.

        Raises:
            ValueError: it is not a JSON object, or a field is missing or unknown.
        """
        members = read_object(text, "run.json")
        require_shapes(members, RUN_SHAPES)
        try:
            for name in ("notices", "planned", "problems"):
                if members.get(name) is not None:
                    members[name] = tuple(members[name])
            return cls(**members)
        except TypeError as error:
            raise ValueError(str(error)) from error


@dataclass(frozen=True, slots=True)
class ScenarioCounts:
    """Count the iterations of one scenario; only starts in the measured phase.

    Attributes:
        name: in the profile.
        iterations: that ran to their end.
        dropped_iterations: planned starts without a free VU; None when nobody could count them.
        interrupted_iterations: cut off at the end of the graceful stop; None as above.
        intended_iterations: starts that the plan wanted; None as above.
        measured_from_us: begin of the measured phase, µs since the benchmark's origin.
        measured_until_us: its end.
        invalid_reasons: why its own figures say nothing of the target, one sentence each.
        incomplete_iterations: of `iterations` those that left operations out, although all that
            they made went well; None when nobody could count them.
    """

    name: str
    iterations: int
    dropped_iterations: int | None
    interrupted_iterations: int | None
    intended_iterations: int | None
    measured_from_us: int
    measured_until_us: int
    invalid_reasons: Sequence[str] = ()
    incomplete_iterations: int | None = None


@dataclass(frozen=True, slots=True)
class BenchmarkOutcome:
    """Say how one benchmark of a run went.

    Attributes:
        benchmark: its name.
        status: complete, stopped (by a person), abort_on_fail (by a threshold), aborted (cut off,
            or the target died).
        began_at: UTC, ISO 8601; empty when it was cut off before anyone wrote it down.
        wall_s: from start to end, s.
        measured_s: length of the measured phase, s.
        valid: False when the load generator was the limit of all or of some scenarios, so that
            their figures say nothing of the target.
        invalid_reasons: one sentence each, those of its scenarios among them.
        scenarios: iterations and measured window of each.
        checks: by operation the names of its checks; bit i of the masks is entry i.
        health: figures on the load generator, e.g. its worst schedule lag.
        load_hash: changes with what was run, not with what must hold; part of every series.
        problems: what went wrong while it ran, one sentence each.
    """

    benchmark: str
    status: BenchmarkStatus
    began_at: str
    wall_s: float
    measured_s: float
    valid: bool = True
    invalid_reasons: Sequence[str] = ()
    scenarios: Sequence[ScenarioCounts] = ()
    checks: Mapping[str, Sequence[str]] = field(default_factory=dict)
    health: Mapping[str, float] = field(default_factory=dict)
    load_hash: str = ""
    problems: Sequence[str] = ()

    @property
    def could_not_begin(self) -> bool:
        """Say whether it sent no load, because the target had not what it needs."""
        return self.status == "aborted" and self.valid and not self.scenarios

    @property
    def is_cut_off_here(self) -> bool:
        """Say whether this machine (its disk, a worker that died) kept it from going on."""
        return self.status == "aborted" and not self.valid and bool(self._general_reasons())

    def _general_reasons(self) -> list[str]:
        """Return what concerns them all: the reasons that are not those of a scenario alone."""
        single = {reason for scenario in self.scenarios for reason in scenario.invalid_reasons}
        return [reason for reason in self.invalid_reasons if reason not in single]

    def invalid_for(self, scenarios: Collection[str] = ()) -> tuple[str, ...]:
        """Say why figures over some (or all) scenarios are not about the target, if so."""
        if self.valid or not self.invalid_reasons:
            return () if self.valid else ("the load generator was the limit",)
        meant = (part for part in self.scenarios if not scenarios or part.name in scenarios)
        reasons = [*self._general_reasons(), *(r for part in meant for r in part.invalid_reasons)]
        return tuple(dict.fromkeys(reasons))

    def to_json(self) -> str:
        """Write it as JSON for outcome.json."""
        members = {field.name: getattr(self, field.name) for field in fields(self)}
        plain = {
            "invalid_reasons": list(self.invalid_reasons),
            "scenarios": [asdict(scenario) for scenario in self.scenarios],
            "checks": {operation: list(names) for operation, names in self.checks.items()},
            "health": dict(self.health),
            "problems": list(self.problems),
        }
        return json.dumps({**members, **plain}, indent=1)

    @classmethod
    def from_json(cls, text: str) -> "BenchmarkOutcome":
        """Read outcome.json.

        Raises:
            ValueError: it is not a JSON object, or a field is missing or unknown.
        """
        members = read_object(text, "outcome.json")
        require_shapes(members, OUTCOME_SHAPES | {"status": one_of(*get_args(BenchmarkStatus))})
        reasons = tuple(members.get("invalid_reasons", ()))
        checks = {name: tuple(names) for name, names in members.get("checks", {}).items()}
        try:
            scenarios = tuple(_scenario(row) for row in members.get("scenarios", ()))
            typed = {
                "invalid_reasons": reasons,
                "scenarios": scenarios,
                "checks": checks,
                "problems": tuple(members.get("problems", ())),
            }
            return cls(**{**members, **typed})
        except TypeError as error:
            raise ValueError(str(error)) from error


def _scenario(row: Mapping[str, Any]) -> ScenarioCounts:
    require_shapes(row, SCENARIO_SHAPES)
    return ScenarioCounts(**{**row, "invalid_reasons": tuple(row.get("invalid_reasons", ()))})


@dataclass(frozen=True, slots=True)
class Ingested:
    """Count the rows that an ingest stored, and the lines that nobody could read.

    Attributes:
        samples: rows in the history now.
        readings: as samples.
        ledger: as samples.
        torn_lines: cut off while they were written.
        damage: one sentence for each way in which the spool is not as it was written.
        was_kept: the spool is damaged and the history has better rows, which it kept.
        is_proven: every file of the spool has the checksum that it was written with.
        notices: what a reader of the figures must know, one sentence each.
    """

    samples: int
    readings: int
    ledger: int
    torn_lines: int
    damage: tuple[str, ...] = ()
    was_kept: bool = False
    is_proven: bool = False
    notices: tuple[str, ...] = ()
