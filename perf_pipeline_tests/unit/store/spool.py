"""Write the spool of a made-up run, as the engine would leave it.

Add here: another file of the spool. Keep out: assertions.
"""

from collections.abc import Sequence
from dataclasses import astuple, dataclass, field
from pathlib import Path

from perf_pipeline.metrics.sample import (
    FIGURE_COLUMNS,
    LEDGER_COLUMNS,
    READING_COLUMNS,
    SAMPLE_COLUMNS,
    Figure,
    LedgerEntry,
    LedgerEvent,
    Outcome,
    Phase,
    Reading,
    Sample,
)
from perf_pipeline.store.records import BenchmarkOutcome, RunRecord, ScenarioCounts


def sample(
    ms: float = 1.0,
    *,
    scenario: str = "create",
    protocol: str = "http",
    operation: str = "create_user",
    phase: Phase = Phase.MEASURED,
    outcome: Outcome = Outcome.OK,
    status: int = 201,
    error: str = "",
    intended_us: int = 1_000_000,
    started_us: int = 1_000_000,
    records: int = 1,
    bytes_out: int = 0,
    checks_passed: int = 0,
    checks_failed: int = 0,
    vu: int = 1,
    iteration: int = 0,
) -> Sample:
    """Make one sample with a service time of `ms`."""
    return Sample(
        scenario,
        protocol,
        vu,
        iteration,
        operation,
        phase,
        intended_us,
        started_us,
        started_us + round(ms * 1000),
        outcome,
        status,
        error,
        bytes_out,
        0,
        records,
        checks_passed,
        checks_failed,
    )


def counts(name: str = "create", *, iterations: int = 4, dropped: int = 0) -> ScenarioCounts:
    """Count a scenario whose measured window is seconds 1 to 11."""
    return ScenarioCounts(name, iterations, dropped, 0, iterations, 1_000_000, 11_000_000)


def ledger(text: str) -> list[LedgerEntry]:
    """Read `a:acknowledged@5 ...` (id, event, ms)."""
    entries = []
    for word in text.split():
        message_id, _, rest = word.partition(":")
        event, _, at_ms = rest.partition("@")
        entries.append(LedgerEntry(message_id, LedgerEvent(event), int(at_ms) * 1000))
    return entries


@dataclass(frozen=True, slots=True)
class Spool:
    """Hold what one benchmark of one run leaves; `write` puts it into a folder."""

    run_id: str = "r1"
    benchmark: str = "api"
    profile: str = "quick"
    began_at: str = "2026-11-01T12:00:00+00:00"
    environment: dict[str, str] = field(default_factory=lambda: {"cpu": "two cores"})
    samples: Sequence[Sample] = ()
    readings: Sequence[Reading] = ()
    figures: Sequence[Figure] = ()
    ledger: Sequence[LedgerEntry] = ()
    outcome: BenchmarkOutcome | None = None

    def write(self, spool: Path) -> Path:
        """Write all files and give the run's folder; without an outcome it looks cut off."""
        run = spool / self.run_id
        folder = run / self.benchmark
        folder.mkdir(parents=True, exist_ok=True)
        record = RunRecord(
            self.run_id,
            self.profile,
            "name = 'quick'\n",
            "c0ffee",
            7,
            "http://127.0.0.1:8000",
            "cli",
            "0.1.0",
            self.began_at,
            self.environment,
        )
        (run / "run.json").write_text(record.to_json(), encoding="utf-8")
        _csv(folder / "samples-1-0.csv", SAMPLE_COLUMNS, self.samples)
        _csv(folder / "readings-host.csv", READING_COLUMNS, self.readings)
        _csv(folder / "ledger-1-0.csv", LEDGER_COLUMNS, self.ledger)
        if self.figures:
            _csv(folder / "figures.csv", FIGURE_COLUMNS, self.figures)
        if self.outcome is not None:
            (folder / "outcome.json").write_text(self.outcome.to_json(), encoding="utf-8")
        return run


def complete(
    *scenarios: ScenarioCounts,
    benchmark: str = "api",
    measured_s: float = 10.0,
    checks: dict[str, tuple[str, ...]] | None = None,
    valid: bool = True,
) -> BenchmarkOutcome:
    """Give the outcome of a benchmark that ran to its end."""
    return BenchmarkOutcome(
        benchmark,
        "complete",
        "2026-11-01T12:00:05+00:00",
        12.0,
        measured_s,
        valid,
        () if valid else ("schedule lag p99 was 120 ms",),
        scenarios or (counts(),),
        checks or {},
        {"schedule_lag_p99_ms": 0.5},
    )


def _csv(
    path: Path,
    columns: tuple[str, ...],
    rows: Sequence[Sample] | Sequence[Reading] | Sequence[Figure] | Sequence[LedgerEntry],
) -> None:
    lines = [",".join(columns), *(",".join(str(each) for each in astuple(row)) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
