"""What a run writes beside its spool, so that a spool that a benchmark made can be stored.

Add here: another file of a run. Keep out: samples (bench_store.py, recorded_hosts.py).
"""

from dataclasses import replace
from pathlib import Path

from perf_pipeline.config.loading import load_profile
from perf_pipeline.store.records import BenchmarkOutcome, RunRecord, ScenarioCounts


def write_beside(run: Path, benchmark: str, seconds: float, scenario: ScenarioCounts) -> None:
    """Write the files of a run of `quick` with one complete benchmark of one scenario.

    Args:
        run: folder of its spool, named as the run is; the benchmark's folder is in it.
        benchmark: its name.
        seconds: that it took, all of them measured.
        scenario: its counts.
    """
    began_at = "2026-01-01T00:00:00Z"
    outcome = BenchmarkOutcome(
        benchmark, "complete", began_at, seconds, seconds, scenarios=[scenario]
    )
    (run / benchmark / "outcome.json").write_text(outcome.to_json(), encoding="utf-8")
    profile = load_profile("quick")
    record = RunRecord(
        run.name,
        profile.name,
        profile.as_json,
        profile.config_hash,
        1,
        "local",
        "cli",
        "0",
        began_at,
        {"cpu": "x"},
    )
    planned = replace(record, planned=(benchmark,))
    (run / "run.json").write_text(planned.to_json(), encoding="utf-8")
