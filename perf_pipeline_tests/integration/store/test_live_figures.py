"""Figures of a running load: those that the end will give, at a cost that does not grow."""

import random
from collections.abc import Iterator
from pathlib import Path
from time import process_time, sleep

import pytest

from perf_pipeline.engine.ports import Iteration
from perf_pipeline.engine.recorder import SpoolRecorder
from perf_pipeline.metrics.histogram import RELATIVE_ERROR
from perf_pipeline.metrics.sample import (
    READING_COLUMNS,
    HttpPhases,
    LedgerEntry,
    LedgerEvent,
    Outcome,
    Phase,
)
from perf_pipeline.metrics.threshold import Threshold, parse_threshold
from perf_pipeline.store.history import memory_history
from perf_pipeline.store.live_figures import LiveFigures
from perf_pipeline_tests.support.histories.spool import KEY, Spool

_ASKED = [
    ("http_req_duration", "p(95)<1"),
    ("http_req_duration", "p(99.9)<1"),
    ("http_req_duration", "med<1"),
    ("http_req_duration", "avg<1"),
    ("http_req_duration", "max<1"),
    ("http_req_duration{scenario:read}", "p(90)<1"),
    ("http_req_duration{operation:create_user}", "min<1"),
    ("response_time", "p(99)<1"),
    ("http_req_failed", "rate<1"),
    ("http_req_failed{scenario:create}", "rate<1"),
    ("http_reqs", "count>1"),
    ("http_reqs", "rate>1"),
    ("http_reqs{operation:get_user}", "rate>1"),
    ("http_reqs{status:503}", "count<1"),
    ("http_reqs{status:418}", "count<1"),  # nobody answered so: 0, and not nothing
    ("http_reqs{scenario:nobody}", "count<1"),
    ("http_req_waiting", "avg<1"),
    ("checks", "rate>1"),
    ("iteration_duration", "p(95)<1"),
    ("iterations", "count>1"),
    ("iterations{scenario:create}", "rate>1"),
    ("dropped_iterations", "count<1"),
    ("vus", "value<1"),
    ("message_latency", "p(95)<1"),
    ("db_records_per_s", "value>1"),
]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Give the spool of a run that has begun."""
    run = Spool().write(tmp_path)
    for path in (run / "api").iterdir():
        path.unlink()
    return run


@pytest.fixture
def recorder(run: Path) -> Iterator[SpoolRecorder]:
    recorder = SpoolRecorder(run / "api", "1", 0, ("create", "read"), print)
    yield recorder
    recorder.close()


def _thresholds() -> list[Threshold]:
    return [parse_threshold(key, text) for key, text in _ASKED]


def _record(recorder: SpoolRecorder, rng: random.Random, numbers: range) -> None:
    """Record an operation a millisecond, log-normal around 3 ms, of which a tenth fails."""
    for n in numbers:
        scenario, operation = (("create", "create_user"), ("read", "get_user"))[n % 2]
        phase = Phase.WARM_UP if n < 200 else Phase.MEASURED
        at_us = n * 1_000
        ended_us = at_us + int(rng.lognormvariate(8, 0.7))
        iteration = Iteration(scenario, "http", n % 9, n, at_us, phase, rng)
        failed = rng.random() < 0.1
        outcome = Outcome.FAILED if failed else Outcome.OK
        recorder.sample(
            iteration,
            operation,
            at_us + 100,
            ended_us + 100,
            outcome,
            status=503 if failed else 200,
            error="status" if failed else "",
            checks_passed=0 if failed else 1,
            checks_failed=1 if failed else 0,
            phases=HttpPhases(0, 0, 0, 5, ended_us - at_us, 7),
        )
        recorder.iteration(iteration, at_us, ended_us + 50_000, outcome)
        recorder.ledger(LedgerEntry(f"m{n}", LedgerEvent.INTENDED, at_us))
        if n >= 100:  # messages arrive 100 ms later, in a later look for some
            arrived_us = at_us + rng.randrange(500)
            recorder.ledger(LedgerEntry(f"m{n - 100}", LedgerEvent.COMPLETED, arrived_us))


def _flushed(recorder: SpoolRecorder, run: Path, rows: int) -> None:
    """Wait until the writing thread has written so many samples, and the ledger behind them."""
    recorder.flush()
    sizes: list[int] = []
    path, ledger = run / "api" / "samples-1-0.npy", run / "api" / "ledger-1-0.csv"
    while path.stat().st_size < 1_024 + 128 * rows or len(sizes) < 3 or sizes[-1] != sizes[-3]:
        sizes.append(ledger.stat().st_size)
        sleep(0.01)


def test_every_figure_so_far_is_the_one_that_the_end_would_give(
    run: Path, recorder: SpoolRecorder
) -> None:
    figures = LiveFigures(run / "api", KEY, _thresholds())
    vus = run / "api" / "readings-vus-1.csv"
    vus.write_text(",".join(READING_COLUMNS) + "\n", encoding="utf-8")
    rng = random.Random(1)
    for look in range(3):
        _record(recorder, rng, range(look * 1_500, (look + 1) * 1_500))
        with vus.open("a", encoding="utf-8") as file:
            file.write(f"{look},,vus,{7 - look}\n{look},read,vus,2\n")
        _flushed(recorder, run, (look + 1) * 1_500)
        figures.look()

        with memory_history() as history:
            history.ingest(run, "api")
            right = [history.observe(KEY, threshold) for threshold in _thresholds()]
        seen = [figures.observe(threshold) for threshold in _thresholds()]

        for (key, text), live, end in zip(_ASKED, seen, right, strict=True):
            within = RELATIVE_ERROR if "p(" in text or "med" in text else 1e-9
            assert live == (None if end is None else pytest.approx(end, rel=within)), (key, text)
        assert (
            sum(figure is not None for figure in right) == len(_ASKED) - 3
        )  # the last has no data


def test_a_load_that_wrote_nothing_has_no_figures(tmp_path: Path) -> None:
    figures = LiveFigures(tmp_path / "not there yet", KEY, _thresholds())
    figures.look()

    assert [figures.observe(threshold) for threshold in _thresholds()] == [None] * len(_ASKED)


def test_a_look_costs_as_much_after_many_rows_as_after_few(
    run: Path, recorder: SpoolRecorder
) -> None:
    asked = [parse_threshold(key, text) for key, text in _ASKED[:14]]
    figures = LiveFigures(run / "api", KEY, asked)
    rng, recorded = random.Random(1), 0

    def look_s(rows: int) -> float:
        nonlocal recorded
        _record(recorder, rng, range(recorded, recorded + rows))
        recorded += rows
        _flushed(recorder, run, recorded)
        began = process_time()
        figures.look()
        for threshold in asked:
            figures.observe(threshold)
        return process_time() - began

    look_s(500)
    early_s = min(look_s(500) for _ in range(4))
    look_s(30_000)
    late_s = min(look_s(500) for _ in range(4))

    # 2,500 rows were there before, 32,500 after
    assert late_s < 3 * early_s


def test_an_operation_that_was_cut_off_does_not_lower_what_a_look_sees(
    run: Path, recorder: SpoolRecorder
) -> None:
    """100 answers of 2 s, and 100 VUs that a ramp down cut off after 1 s: the median stays 2 s."""
    rng = random.Random(1)
    asked = [parse_threshold(key, "med<1") for key in ("http_req_duration", "response_time")]
    failed = parse_threshold("http_req_failed", "rate<1")
    for n in range(200):
        iteration = Iteration("create", "http", n, 0, 0, Phase.MEASURED, rng)
        is_cut = n % 2
        outcome = Outcome.INTERRUPTED if is_cut else Outcome.OK
        recorder.sample(iteration, "create_user", 0, 2_000_000 // (1 + is_cut), outcome)
    _flushed(recorder, run, 200)
    live = LiveFigures(run / "api", KEY, [*asked, failed])
    live.look()

    assert [live.observe(threshold) for threshold in asked] == pytest.approx(
        [2_000] * 2, rel=RELATIVE_ERROR
    )
    assert live.observe(failed) == 0
