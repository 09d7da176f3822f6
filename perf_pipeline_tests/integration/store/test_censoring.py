"""What the end of a load cut off: when it failed, and what it does to figures; by hand."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from perf_pipeline.metrics.censoring import longest_wait_us
from perf_pipeline.metrics.sample import Outcome, Phase, Sample
from perf_pipeline.store.history import History
from perf_pipeline.store.sample_tables import delete_samples
from perf_pipeline.store.spool_figures import span_figures
from perf_pipeline_tests.support.histories.new_history import history_at
from perf_pipeline_tests.support.histories.spool import (
    KEY,
    Spool,
    complete,
    counts,
    observe,
    sample,
)


def cut(ms: float, operation: str = "create_user", phase: Phase = Phase.MEASURED) -> Sample:
    return sample(ms, outcome=Outcome.INTERRUPTED, status=0, operation=operation, phase=phase)


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    """Give one history: what a test stores takes the place of what the one before stored."""
    with history_at(tmp_path_factory.mktemp("censoring") / "history.duckdb") as opened:
        yield opened


def stored(history: History, folder: Path, samples: Sequence[Sample]) -> None:
    outcome = complete(counts("create", iterations=len(samples)))
    history.ingest(Spool(samples=list(samples), outcome=outcome).write(folder), "api")


def failed_ms(history: History, scenario: str) -> list[float]:
    """Give what those that count as failed had waited."""
    rows = history.connection.execute(
        "select (ended_us - started_us) / 1000.0 from samples where outcome = 'interrupted' "
        "and error = 'unanswered' and scenario = ? order by all",
        [scenario],
    )
    return [ms for (ms,) in rows.fetchall()]


FIFTY = [sample(50)] * 10


CASES: Final[list[tuple[list[Sample], list[float]]]] = [
    # 2 of them, 10 answers: C(15, 5) = 3003 >= 2000 and C(14, 4) = 1001 < 2000: 5 x 50 ms.
    ([*FIFTY, cut(40), cut(249)], []),
    ([*FIFTY, cut(40), cut(251)], [251]),
    # A slow but steady target: C(4 + 17, 17) = 5985 >= 4000 > C(4 + 14, 14): 15 x 2 s or more.
    ([sample(2_000)] * 4 + [cut(1_000)] * 4, []),
    # Two kinds of answers; what is under way is like the slow ones.
    ([sample(5)] * 99 + [sample(800)] + [cut(790), cut(3)], []),
    # Noise of a busy machine, 0.1 s, where answers take 0.2 ms.
    ([sample(0.2)] * 1_000 + [cut(99)], []),
    ([sample(0.2)] * 1_000 + [cut(101)], [101]),
    # A few answers do not excuse any silence: at most 20 times the longest.
    ([sample(50), cut(990)], []),
    ([sample(50), cut(1_010)], [1_010]),
    # Nothing was answered at all.
    ([cut(90), cut(110)], [110]),
    # A time-out is no answer that explains a wait; an answer that was not wanted is one.
    ([*FIFTY, sample(10_000, outcome=Outcome.TIMEOUT, status=0), cut(5_000)], [5_000]),
    ([sample(900, outcome=Outcome.FAILED, status=500), cut(5_000)], []),
    ([sample(0.1, outcome=Outcome.FAILED, status=0, error="refused"), cut(2_000)], [2_000]),
    # An operation without an answer goes by those of its scenario: C(10 + 4, 4) = 1001: 0.2 s.
    ([*FIFTY, cut(190, "report")], []),
    ([*FIFTY, cut(210, "report")], [210]),
    # Warm-up answers explain as well; what an older version called drain stays as it is.
    ([sample(900, phase=Phase.WARM_UP), cut(800)], []),
    ([*FIFTY, cut(5_000, phase=Phase.DRAIN)], []),
]


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    """Give a run in which each case is a scenario: what explains a wait is in a scenario alone."""
    scenarios = {f"case-{number}": samples for number, (samples, _) in enumerate(CASES)}
    samples = [
        replace(sample, scenario=name) for name, several in scenarios.items() for sample in several
    ]
    counted = [counts(name, iterations=len(several)) for name, several in scenarios.items()]
    folder = tmp_path_factory.mktemp("cases")
    with history_at(folder / "history.duckdb") as opened:
        run = Spool(samples=samples, outcome=complete(*counted))
        opened.ingest(run.write(folder / "spool"), "api")
        yield opened


@pytest.mark.parametrize("number", range(len(CASES)))
def test_an_interrupted_operation_failed_when_it_had_waited_longer_than_answers_explain(
    cases: History, number: int
) -> None:
    _, expected = CASES[number]

    assert failed_ms(cases, f"case-{number}") == expected


def test_a_hang_counts_as_requests_failures_and_long_waits(
    history: History, tmp_path: Path
) -> None:
    stored(history, tmp_path, [*FIFTY, cut(5_000), cut(5_000)])

    assert observe(history, "http_reqs", "count>0") == 12
    assert observe(history, "http_req_failed", "rate<1") == pytest.approx(2 / 12)
    assert observe(history, "errors", "rate<1") == pytest.approx(2 / 12)
    assert observe(history, "success", "rate>0") == pytest.approx(10 / 12)
    assert observe(history, "http_req_duration", "max<1") == 5_000
    assert observe(history, "http_req_duration", "p(95)<1") == 5_000  # rank 10.45 of 0..11
    assert observe(history, "http_reqs{error:unanswered}", "count<1") == 2
    assert observe(history, "http_reqs{outcome:interrupted}", "count<1") == 2


def test_a_healthy_end_is_no_failure_and_no_success_and_lowers_no_figure(
    history: History, tmp_path: Path
) -> None:
    """2 s each, cut after 1 s: med and avg with the bounds are 1.5 s, without them 2 s."""
    stored(history, tmp_path, [*[sample(2_000)] * 4, *[cut(1_000)] * 4])

    assert observe(history, "http_reqs", "count>0") == 8
    assert observe(history, "http_req_failed", "rate<1") == 0
    assert observe(history, "success", "rate>0") == 1
    for figure in ("min", "med", "avg", "p(95)", "max"):
        assert observe(history, "http_req_duration", f"{figure}<1") == 2_000, figure
    (whole,) = [
        summary
        for summary in history.summarise(KEY)
        if (summary.metric, dict(summary.tags)) == ("http_req_duration", {})
    ]
    assert (whole.count, whole.minimum, whole.average, whole.median) == (8, 2_000, 2_000, 2_000)


def test_a_wait_that_is_longer_than_the_answers_raises_figures(
    history: History, tmp_path: Path
) -> None:
    """9 answers of 50 ms and one that waits 100 ms: max 100, avg (450 + 100) / 10 = 55."""
    stored(history, tmp_path, [*[sample(50)] * 9, cut(100)])

    assert observe(history, "http_req_failed", "rate<1") == 0
    assert observe(history, "http_req_duration", "max<1") == 100
    assert observe(history, "http_req_duration", "avg<1") == 55
    assert observe(history, "http_req_duration", "min<1") == 50


@pytest.mark.parametrize("statistic", ["min<1", "med<1", "avg<1", "p(90)<1", "max<1"])
def test_a_pruned_run_gives_the_same_figures(
    history: History, tmp_path: Path, statistic: str
) -> None:
    stored(history, tmp_path, [*[sample(2_000)] * 4, *[cut(1_000)] * 4, cut(90_000)])
    history.summarise(KEY)
    before = observe(history, "http_req_duration", statistic)
    failed = observe(history, "http_req_failed", "rate<1")
    delete_samples(history.connection, "true", {})
    history.connection.execute("update benchmarks set raw_kept = false")
    history.asked.forget()  # as pruning does

    assert observe(history, "http_req_duration", statistic) == pytest.approx(before, rel=0.01)
    assert observe(history, "http_req_failed", "rate<1") == failed == pytest.approx(1 / 5)


def test_rates_over_a_span_see_the_failed_ones_alone(tmp_path: Path) -> None:
    """10 ok, one hung, one cut while all was well: 11 operations of which the end is known."""
    late = replace(cut(5_000), vu=2)
    folder = Spool(samples=[*FIFTY, late, cut(40)], outcome=complete()).write(tmp_path) / "api"

    (span,) = span_figures(folder)

    assert (span.count, span.failed, span.records) == (11, 1, 10)


def test_more_answers_and_fewer_cuts_need_a_smaller_factor() -> None:
    """C(n + k, k) >= 1000 m, k from 3 to 20: C(3 + 17, 17) = 1140 and C(3 + 16, 16) = 969."""
    factors = [longest_wait_us(n, S, m) // S for n, m in [(1, 1), (3, 1), (10, 1), (10_000, 100)]]

    assert factors == [20, 17, 4, 3]


S = 1_000_000
