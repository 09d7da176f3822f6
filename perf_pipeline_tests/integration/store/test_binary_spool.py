"""Binary rows of the spool: read as they were recorded, and what was torn is counted."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from perf_pipeline.engine.ports import Iteration
from perf_pipeline.engine.recorder import SpoolRecorder
from perf_pipeline.errors import PerfPipelineError
from perf_pipeline.metrics.sample import (
    ITERATION_COLUMNS,
    SAMPLE_COLUMNS,
    HttpPhases,
    Outcome,
    Phase,
)
from perf_pipeline.store.history import History
from perf_pipeline_tests.support.histories.new_history import history_at
from perf_pipeline_tests.support.histories.spool import Spool, complete
from perf_pipeline_tests.support.histories.spooled_rows import all_rows

_ROW_BYTES = 2 * 4 + 15 * 8


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    with history_at(tmp_path / "history.duckdb") as opened:
        yield opened


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Give the spool of a run whose two workers recorded 300 samples and iterations each."""
    run = Spool(outcome=complete()).write(tmp_path / "spool")
    (run / "api" / "samples-1-0.csv").unlink()
    for worker in range(2):
        recorder = SpoolRecorder(run / "api", "main", worker, ("create", "read"), print)
        for n in range(300):
            record(recorder, worker, n)
        recorder.close()
    return run


def record(recorder: SpoolRecorder, worker: int, n: int) -> None:
    """Record a sample of which no two columns have the same value, and its iteration."""
    scenario, phase = ("create", "read")[n % 2], (Phase.WARM_UP, Phase.MEASURED)[n % 3 > 0]
    outcome = (Outcome.OK, Outcome.FAILED)[n % 5 == 0]
    iteration = Iteration(scenario, "http", worker + 1, n, 10 * n, phase, random.Random(1))
    recorder.sample(
        iteration,
        f'odd, "{n % 7}"',
        10 * n + 1,
        10 * n + 2_000,
        outcome,
        status=200 + n % 4,
        error="" if outcome is Outcome.OK else "status",
        bytes_out=n + 10_000,
        bytes_in=2**40 + n,
        records=n + 20_000,
        checks_passed=2**61 + n,
        checks_failed=n + 30_000,
        phases=HttpPhases(-1, n, n + 1, n + 2, n + 3, n + 4),
    )
    recorder.iteration(iteration, 10 * n + 1, 10 * n + 2_001, outcome)


def stored(history: History, table: str, columns: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Give a table's rows as texts, sorted."""
    found = history.connection.execute(f"select {', '.join(columns)} from {table}").fetchall()
    return sorted(tuple(map(str, row)) for row in found)


@pytest.mark.parametrize(
    ("table", "columns"), [("samples", SAMPLE_COLUMNS), ("iterations", ITERATION_COLUMNS)]
)
def test_every_column_of_every_row_is_stored(
    table: str, columns: tuple[str, ...], history: History, run: Path
) -> None:
    history.ingest(run, "api")

    spooled = [tuple(row[name] for name in columns) for row in all_rows(run / "api", table)]
    assert len(spooled) == 600
    assert stored(history, table, columns) == sorted(spooled)


def test_rows_of_an_older_version_in_csv_count_as_well(history: History, run: Path) -> None:
    line = "create,http,9,0,create_user,measured,0,0,1000,ok,201,,0,0,1,0,0,-1,-1,-1,-1,-1,-1"
    old = run / "api" / "samples-1-0.csv"
    old.write_text(f"{','.join(SAMPLE_COLUMNS)}\n{line}\n", encoding="utf-8")

    assert history.ingest(run, "api").samples == 601


@pytest.mark.parametrize(
    ("kept_bytes", "samples", "torn"),
    [
        (1_024 + 300 * _ROW_BYTES, 600, 0),
        (1_024 + 300 * _ROW_BYTES - 1, 599, 1),
        (1_024 + 7 * _ROW_BYTES + 1, 307, 1),
        (1_024, 300, 0),
        (1_000, 300, 1),
        (0, 300, 0),
    ],
    ids=["whole", "last row", "in the middle", "only the head", "half a head", "empty"],
)
def test_a_torn_last_row_is_counted_and_left_out(
    kept_bytes: int, samples: int, torn: int, history: History, run: Path
) -> None:
    path = run / "api" / "samples-main-1.npy"
    path.write_bytes(path.read_bytes()[:kept_bytes])

    ingested = history.ingest(run, "api")

    assert (ingested.samples, ingested.torn_lines) == (samples, torn)
    assert path.stat().st_size == kept_bytes  # the spool is evidence and stays


def test_rows_whose_kind_was_cut_off_are_counted_and_left_out(history: History, run: Path) -> None:
    recorder = SpoolRecorder(run / "api", "last", 0, ("create", "read"), print)
    for n in (0, 1, 0, 1, 1):  # two kinds of samples, and two of iterations
        record(recorder, 2, n)
    recorder.close()
    path = run / "api" / "kinds-samples-last-0.csv"
    path.write_bytes(path.read_bytes()[:-1])  # the second one's line, but for its end

    ingested = history.ingest(run, "api")

    assert (ingested.samples, ingested.torn_lines) == (600 + 2, 3)


@pytest.mark.parametrize("name", ["a\u2028b", "a\x85b", "a\x0bb", "a\r\nb"])
def test_an_operation_keeps_its_line_separators(name: str, history: History, run: Path) -> None:
    recorder = SpoolRecorder(run / "api", "odd", 0, ("create",), print)
    iteration = Iteration("create", "http", 1, 0, 0, Phase.MEASURED, random.Random(1))
    recorder.sample(iteration, name, 1, 2, Outcome.OK)
    recorder.close()

    assert history.ingest(run, "api").samples == 601
    assert (name,) in history.connection.execute("select operation from samples").fetchall()


def test_a_kind_that_was_cut_inside_a_letter_is_left_out(history: History, run: Path) -> None:
    recorder = SpoolRecorder(run / "api", "odd", 0, ("create",), print)
    iteration = Iteration("create", "http", 1, 0, 0, Phase.MEASURED, random.Random(1))
    recorder.sample(iteration, "\u00e4", 1, 2, Outcome.OK)
    recorder.close()
    path = run / "api" / "kinds-samples-odd-0.csv"
    data = path.read_bytes()
    path.write_bytes(data[: data.index("\u00e4".encode()) + 1])

    ingested = history.ingest(run, "api")
    assert (ingested.samples, ingested.torn_lines) == (600, 1)


def test_a_file_that_is_still_open_is_read_by_its_size(history: History, tmp_path: Path) -> None:
    run = Spool(outcome=complete()).write(tmp_path / "spool")
    (run / "api" / "samples-1-0.csv").unlink()
    recorder = SpoolRecorder(run / "api", "main", 0, ("create", "read"), print)
    for n in range(300):
        record(recorder, 0, n)
    recorder.flush()
    path = run / "api" / "samples-main-0.npy"
    while path.stat().st_size < 1_024 + 300 * _ROW_BYTES:
        pass  # the writing thread is at it; the test's time limit ends this

    assert history.ingest(run, "api").samples == 300
    recorder.close()


def test_a_file_whose_head_is_damaged_is_refused(history: History, run: Path) -> None:
    (run / "api" / "seal-main-0.json").unlink()  # as older versions left it
    path = run / "api" / "samples-main-0.npy"
    path.write_bytes(b"\0" * 16 + path.read_bytes()[16:])

    with pytest.raises(PerfPipelineError, match=r"samples-main-0.npy is damaged: "):
        history.ingest(run, "api")


def test_a_file_of_another_layout_is_refused(history: History, run: Path) -> None:
    (run / "api" / "seal-main-0.json").unlink()  # as older versions left it
    path = run / "api" / "samples-main-0.npy"
    path.write_bytes(path.read_bytes().replace(b"'bytes_in'", b"'bytes_to'", 1))

    with pytest.raises(PerfPipelineError, match=r"samples-main-0.npy has the columns 'kind,vu,"):
        history.ingest(run, "api")
