"""What a comparison reads of its samples is what was recorded, each side apart.

Add here: another column that a comparison needs. Keep out: verdicts (unit/analysis/test_duet.py).
"""

import random
from pathlib import Path

from perf_pipeline.analysis.duet_record import SIDES
from perf_pipeline.engine.ports import Iteration
from perf_pipeline.engine.recorder import SpoolRecorder
from perf_pipeline.metrics.sample import Outcome, Phase
from perf_pipeline.store.duet_samples import name_of_side, read_sides


def test_times_outcomes_and_rows_of_each_side_are_read(tmp_path: Path) -> None:
    names = tuple(name_of_side("reads", side) for side in range(len(SIDES)))
    recorder = SpoolRecorder(tmp_path, "1", 0, names, lambda _: None)
    for name, took_us, rows in zip(names, (500, 300), ((4, 6), (0, 0)), strict=True):
        for number, records in enumerate(rows):
            at_us = 1_000 * number
            iteration = Iteration(
                name, "postgres", 1, number, at_us, Phase.MEASURED, random.Random(1)
            )
            ended_us = at_us + took_us
            recorder.sample(iteration, "look", at_us, ended_us, Outcome.OK, records=records)
    failed = Iteration(names[0], "postgres", 1, 2, 2_000, Phase.MEASURED, random.Random(1))
    recorder.sample(failed, "look", 2_000, 2_100, Outcome.FAILED, error="42P01", records=0)
    recorder.close()

    (found,) = read_sides(tmp_path, "1", {"reads": True})

    assert found.operation == "look"
    assert sorted(found.baseline.took_us.tolist()) == [100, 500, 500]
    assert found.candidate.took_us.tolist() == [300, 300]
    assert (found.baseline.failed, found.candidate.failed) == (1, 0)
    # (4 + 6) / 2: the one that failed is in no average.
    assert (found.baseline.records_each, found.candidate.records_each) == (5.0, 0.0)
    cut = found.within(1_000, 2_000)
    assert (cut.baseline.records_each, cut.candidate.records_each) == (6.0, 0.0)
