"""Kinds of samples that are lost or of another run: no sample changes hands, and none is left over.

Add here: another damage to `sample_kinds` alone. Keep out: how damage is found (test_proof.py).
"""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from perf_pipeline.errors import StoreError
from perf_pipeline.metrics.sample import Outcome
from perf_pipeline.store.history import History
from perf_pipeline.store.records import RunKey
from perf_pipeline.store.removal import remove_runs
from perf_pipeline_tests.support.histories.new_history import history_at
from perf_pipeline_tests.support.histories.spool import KEY, Spool, complete, counts, sample

# Of both runs the 20th part failed: of 40 samples 2, with 5 ms in r1, and 500 ms in r2.
_MS: Final = {"r1": 5.0, "r2": 500.0}
_RATE: Final = 2 / 40
_OF_R1_AS_OF_R2: Final = """
update sample_kinds set kind = other.kind
from (select outcome, kind from sample_kinds where run_id = 'r2') as other
where sample_kinds.run_id = 'r1' and sample_kinds.outcome = other.outcome
"""


def _write(folder: Path, run_id: str) -> Path:
    made = [
        sample(_MS[run_id], outcome=Outcome.OK if n % 20 else Outcome.FAILED, iteration=n)
        for n in range(40)
    ]
    run = Spool(run_id=run_id, samples=made, outcome=complete(counts(iterations=40)))
    return run.write(folder / "spool")


def _store(history: History, spool_run: Path) -> None:
    history.ingest(spool_run, KEY.benchmark)
    history.summarise(RunKey(spool_run.name, KEY.benchmark))


def _figures(history: History, run_id: str) -> tuple[float, float | None, float | None]:
    """Give what a run's samples say: requests, the rate of failed ones, and the 95th percentile."""
    history.proof.require_run(run_id)
    found = {
        summary.metric: summary for _, summary in history.summaries(run_id) if not summary.tags
    }
    durations = found["http_req_duration"]
    return durations.count, found["http_req_failed"].rate, durations.p95


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with the spools of two runs, and a history that has both."""
    folder = tmp_path_factory.mktemp("kinds")
    with history_at(folder / "history.duckdb") as history:
        for run_id in _MS:
            _store(history, _write(folder, run_id))
    return folder


@pytest.fixture
def history(made: Path, tmp_path: Path) -> Iterator[History]:
    path = shutil.copyfile(made / "history.duckdb", tmp_path / "history.duckdb")
    with history_at(Path(path)) as opened:
        yield opened


@pytest.mark.parametrize("lost", ["outcome = 'failed'", "true"], ids=["one kind", "all"])
def test_what_is_stored_again_has_no_sample_of_kinds_that_were_lost(
    history: History, made: Path, lost: str
) -> None:
    history.connection.execute(f"delete from sample_kinds where run_id = 'r1' and {lost}")
    with pytest.raises(StoreError, match="table sample_kinds has of api in run r1"):
        history.outcomes("r1")

    _store(history, made / "spool" / "r1")

    assert _figures(history, "r1") == (40, _RATE, 5.0)
    assert _figures(history, "r2") == (40, _RATE, 500.0)


def test_samples_whose_kinds_were_lost_do_not_count_for_the_next_run(
    made: Path, tmp_path: Path
) -> None:
    with history_at(tmp_path / "history.duckdb") as history:
        _store(history, made / "spool" / "r1")
        history.connection.execute("delete from sample_kinds")
        _store(history, made / "spool" / "r2")

        assert _figures(history, "r2") == (40, _RATE, 500.0)
        with pytest.raises(StoreError, match="in run r1 0 rows, and 2 were written"):
            history.proof.require_run("r1")


def test_kinds_with_the_numbers_of_another_run_let_none_of_its_samples_go(
    history: History,
) -> None:
    history.connection.execute(_OF_R1_AS_OF_R2)
    history.prune(1)

    history.proof.require_run("r2")
    left = history.connection.execute("select run_id, count(*) from samples group by all")
    assert left.fetchall() == [("r2", 40)]


def test_a_run_that_is_stored_again_takes_no_sample_of_a_damaged_one(
    history: History, made: Path
) -> None:
    history.connection.execute(_OF_R1_AS_OF_R2)
    _store(history, made / "spool" / "r2")

    assert _figures(history, "r2") == (40, _RATE, 500.0)
    with pytest.raises(StoreError, match="in run r1 2 rows, and others than were written"):
        history.proof.require_run("r1")


def test_samples_whose_kinds_were_lost_go_with_their_run(history: History) -> None:
    history.connection.execute("delete from sample_kinds where run_id = 'r1'")
    remove_runs(history, ["r1"])

    left = history.connection.execute("select run_id, count(*) from sample_rows group by all")
    assert left.fetchall() == [("r2", 40)]
