"""Write runs of which only a part was measured, as the driver leaves them, without a load.

Add here: another way for a run to be incomplete. Keep out: assertions.
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Final

from perf_pipeline.config.loading import load_profile
from perf_pipeline.config.profile import Profile
from perf_pipeline.metrics.sample import SAMPLE_COLUMNS, Outcome, Phase, Sample
from perf_pipeline.store.records import (
    BenchmarkOutcome,
    BenchmarkStatus,
    RunRecord,
    ScenarioCounts,
)
from perf_pipeline.store.state import State
from perf_pipeline.units import US_PER_S
from perf_pipeline_tests.support.histories.new_history import history_at

A, B = "api_user_creation", "end_to_end"
_BOUNDS: Final = {"http_req_failed": ["rate<0.01"], "http_req_duration": ["p(95)<1000"]}
TWO: Final = {f"benchmarks.{name}.thresholds": _BOUNDS for name in (A, B)}
"""The profile quick with two promises for each of the two benchmarks that are used here."""


@cache
def two_promises() -> Profile:
    """Give the profile of the runs made here."""
    return load_profile("quick", TWO)


@dataclass(frozen=True, slots=True)
class HalfRun:
    """Hold a run that has begun.

    Attributes:
        state: folder of spool and history.
        run_id: its id.
        planned: what it was to do; None for a run of an older version.
        began_at: by the clock of that moment.
        trigger: who started it.
        problems: what ended it as a whole.
        revision: what CI said of the code that was measured.
    """

    state: Path
    run_id: str = "r1"
    planned: Sequence[str] | None = (A, B)
    began_at: datetime = datetime(2026, 11, 1, tzinfo=UTC)
    trigger: str = "cli"
    problems: Sequence[str] = ()
    revision: Mapping[str, str] = field(default_factory=dict)

    def begin(self, *, registers: bool = True) -> "HalfRun":
        """Write run.json, and tell the history unless that is open elsewhere."""
        folder = State(self.state).spool / self.run_id
        folder.mkdir(parents=True)
        (folder / "run.json").write_text(self.record.to_json(), encoding="utf-8")
        if registers:
            with history_at(State(self.state).history_file) as history:
                history.register(self.record, begins_now=True)
        return self

    @property
    def record(self) -> RunRecord:
        """Give what run.json says."""
        profile = two_promises()
        return RunRecord(
            *(self.run_id, profile.name, profile.as_json, profile.config_hash, profile.seed),
            *("http://127.0.0.1:8000", self.trigger, "0.1.0", self.began_at.isoformat()),
            planned=self.planned,
            problems=self.problems,
            revision=self.revision,
        )

    def measure(
        self,
        benchmark: str,
        *,
        status: BenchmarkStatus | None = "complete",
        valid: bool = True,
        samples: int = 20,
    ) -> "HalfRun":
        """Leave a second of good requests; without a status the driver died meanwhile."""
        folder = State(self.state).spool / self.run_id / benchmark
        folder.mkdir()
        with (folder / "samples-1-0.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(SAMPLE_COLUMNS)
            writer.writerows(astuple(_sample(number)) for number in range(samples))
        if status is not None:
            outcome = BenchmarkOutcome(
                *(benchmark, status, self.began_at.isoformat(), 1.0, 1.0, valid),
                invalid_reasons=() if valid else ("worker 0 stood still for 900 ms",),
                scenarios=[ScenarioCounts("create_users", samples, 0, 0, samples, 0, US_PER_S)],
                load_hash=two_promises().load_hash(benchmark),
            )
            (folder / "outcome.json").write_text(outcome.to_json(), encoding="utf-8")
        return self


def _sample(number: int) -> Sample:
    at_us = number * US_PER_S // 20
    return Sample(
        *("create_users", "http", 1, number, "create_user", Phase.MEASURED),
        *(at_us, at_us, at_us + 5_000, Outcome.OK, 201),
    )
