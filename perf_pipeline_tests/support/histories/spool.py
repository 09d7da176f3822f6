"""Write the spool of a made-up run, as the engine would leave it, and ask for its figures.

Add here: another file of the spool. Keep out: assertions.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import attrgetter
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
from perf_pipeline.metrics.summary import Summary
from perf_pipeline.metrics.threshold import parse_threshold
from perf_pipeline.store.history import History
from perf_pipeline.store.records import BenchmarkOutcome, RunKey, RunRecord, ScenarioCounts

KEY = RunKey("r1", "api")


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
    trigger: str = "cli"
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
            '{"name": "quick"}',
            "c0ffee",
            7,
            "http://127.0.0.1:8000",
            self.trigger,
            "0.1.0",
            self.began_at,
            self.environment,
            ["the broker is an emulator"],
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
    values = attrgetter(*columns)  # `astuple` copies each of them, and takes ten times as long
    lines = [",".join(columns), *(",".join(map(str, values(row))) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


# create: 10, 20, 30 ms ok and 100 ms failed; read: 1 and 3 ms; 900 ms of warm-up and of drain.
MIXED = Spool(
    samples=[
        sample(900, phase=Phase.WARM_UP),
        sample(10, checks_passed=0b11),
        sample(20, checks_passed=0b01, checks_failed=0b10, started_us=1_500_000),
        sample(30, checks_passed=0b11),
        sample(100, outcome=Outcome.FAILED, status=503, error="status", checks_failed=0b01),
        sample(1, scenario="read", operation="get_user", status=200),
        sample(3, scenario="read", operation="get_user", status=200),
        sample(900, phase=Phase.DRAIN),
    ],
    outcome=complete(
        counts("create", iterations=4, dropped=2),
        counts("read", iterations=2),
        checks={"create_user": ("status is 201", "id is set")},
    ),
)


def observe(history: History, key: str, expression: str, of: RunKey = KEY) -> float | None:
    """Give the figure of a threshold."""
    return history.observe(of, parse_threshold(key, expression))


def by_key(summaries: list[Summary]) -> dict[str, Summary]:
    """Index summaries by `metric{tag:value}`."""
    return {
        "{}{{{}}}".format(
            summary.metric, ",".join(f"{k}:{v}" for k, v in summary.tags.items())
        ): summary
        for summary in summaries
    }
