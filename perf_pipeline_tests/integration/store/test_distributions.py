"""Distributions come from the histograms, also of a pruned run."""

from pathlib import Path

import pytest

from perf_pipeline.metrics.sample import Outcome
from perf_pipeline.store.distributions import WantedDistribution, distributions_of
from perf_pipeline.store.sample_tables import delete_samples
from perf_pipeline_tests.support.histories.new_history import history_at
from perf_pipeline_tests.support.histories.spool import KEY, Spool, complete, sample

METRIC = "http_req_duration"


def test_the_values_of_a_run_are_counted_by_size(tmp_path: Path) -> None:
    spool = Spool(
        samples=[
            *(sample(ms) for ms in (1, 10, 10)),
            sample(100, outcome=Outcome.FAILED, status=500, error="status"),
            sample(1_000, outcome=Outcome.INTERRUPTED, status=0),
        ],
        outcome=complete(),
    )
    with history_at(tmp_path / "history.duckdb") as history:
        history.ingest(spool.write(tmp_path), "api")
        history.summarise(KEY)
        delete_samples(history.connection, "true", {})
        wanted = [WantedDistribution("api", METRIC, ["r0"]), WantedDistribution("api", "nothing")]
        found = distributions_of(history.connection, KEY.run_id, wanted)
        as_baseline = distributions_of(
            history.connection, "r2", [WantedDistribution("api", METRIC, [KEY.run_id, "r2"])]
        )

    # What was cut off undecided (1,000 ms) is in no distribution.
    assert set(found) == {("api", METRIC, True)}
    now = found["api", METRIC, True]
    assert (now.count, now.minimum, now.maximum) == (4, 1.0, 100.0)
    assert sorted(now.buckets.values()) == [1, 1, 2]
    assert now.percentile(50) == pytest.approx(10.0, rel=0.005)
    assert as_baseline == {("api", METRIC, False): now}


def test_nothing_wanted_is_nothing_found(tmp_path: Path) -> None:
    with history_at(tmp_path / "history.duckdb") as history:
        assert distributions_of(history.connection, "r1", []) == {}
