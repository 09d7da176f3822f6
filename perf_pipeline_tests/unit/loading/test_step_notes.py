"""What is noted while a load runs says of which scenarios, where a benchmark has several steps."""

from datetime import UTC, datetime

from perf_pipeline.engine.job import GeneratorHealth, LoadOutcome, ScenarioOutcome
from perf_pipeline.loading.step_counts import notes_of_step

STOLEN = "during the load the hypervisor gave other machines 14% of the CPU time of this machine"


def test_a_note_names_the_scenarios_of_its_step_if_there_are_others() -> None:
    scenarios = tuple(ScenarioOutcome(name, 1, 0, 0, 0, 1, 1) for name in ("small", "large"))
    health = GeneratorHealth(valid=True, reasons=(), figures={}, notes=(STOLEN,))
    outcome = LoadOutcome(datetime.now(UTC), 1.0, scenarios, health, {}, stopped=False)

    assert list(notes_of_step(outcome, is_only=False)) == [f"small, large: {STOLEN}"]
    assert list(notes_of_step(outcome, is_only=True)) == [STOLEN]
