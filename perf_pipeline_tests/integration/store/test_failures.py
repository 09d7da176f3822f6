"""How operations failed is asked of the raw rows, and of the histograms of a pruned run."""

from pathlib import Path

from perf_pipeline.metrics.sample import Outcome, Phase
from perf_pipeline.store.failures import FailureKind, failures_of
from perf_pipeline.store.history import History
from perf_pipeline.store.sample_tables import delete_samples
from perf_pipeline_tests.support.histories.new_history import history_at
from perf_pipeline_tests.support.histories.spool import KEY, Spool, complete, sample

FAILED = Outcome.FAILED


def ingested(tmp_path: Path, history: History) -> None:
    spool = Spool(
        samples=[
            sample(10),
            sample(20, outcome=FAILED, status=500, error="status"),
            sample(30, outcome=FAILED, status=500, error="status"),
            sample(40, outcome=Outcome.TIMEOUT, status=0, error="timeout"),
            sample(50, outcome=Outcome.INTERRUPTED, status=0),
            sample(60, outcome=FAILED, status=0, error="refused", phase=Phase.WARM_UP),
        ],
        outcome=complete(),
    )
    history.ingest(spool.write(tmp_path), "api")
    history.summarise(KEY)


def test_failures_are_counted_by_kind_with_first_last_and_example(tmp_path: Path) -> None:
    with history_at(tmp_path / "history.duckdb") as history:
        ingested(tmp_path, history)
        found = failures_of(history.connection, KEY.run_id)

    # Samples begin after 1 s. Warm-up does not count, nor does what the end of the load cut off.
    assert [(kind.kind, kind.times, kind.first_us, kind.last_us) for kind in found] == [
        ("status 500", 2, 1_020_000, 1_030_000),
        ("timeout", 1, 1_040_000, 1_040_000),
    ]
    assert (found[0].scenario, found[0].operation) == ("create", "create_user")
    assert (found[0].vu, found[0].iteration) == (1, 0)


def test_a_pruned_run_keeps_the_counts(tmp_path: Path) -> None:
    with history_at(tmp_path / "history.duckdb") as history:
        ingested(tmp_path, history)
        delete_samples(history.connection, "true", {})
        history.connection.execute("delete from iterations")
        history.connection.execute("update benchmarks set raw_kept = false")

        assert failures_of(history.connection, KEY.run_id) == [
            FailureKind("api", "create", "create_user", "status 500", 2, None, None, None, None),
            FailureKind("api", "create", "create_user", "timeout", 1, None, None, None, None),
        ]
