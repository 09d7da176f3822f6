"""Summaries of samples say what thresholds judge by SQL over each sample, to the last bit."""

import random
from collections.abc import Iterator

import numpy as np
import pytest

from perf_pipeline.metrics.catalog import CATALOG
from perf_pipeline.metrics.sample import Outcome
from perf_pipeline.metrics.statistic import STATISTICS
from perf_pipeline.metrics.summary import Summary
from perf_pipeline.metrics.threshold import parse_threshold
from perf_pipeline.store.history import History
from perf_pipeline.store.statistics import figure_of
from perf_pipeline.store.tallied_figures import _totals
from perf_pipeline.store.windows import measured_windows
from perf_pipeline_tests.support.histories.new_history import history_at
from perf_pipeline_tests.support.histories.spool import KEY, Spool, complete, sample

_OUTCOMES = [*[Outcome.OK] * 9, Outcome.FAILED, Outcome.INTERRUPTED, Outcome.TIMEOUT]


def _drawn() -> Spool:
    """Draw 3,000 samples of two scenarios that share operations, some of them cut off."""
    rng = random.Random(7)
    made = [
        sample(
            rng.randrange(1, 3_000),
            scenario=rng.choice(["create", "read"]),
            operation=rng.choice(["create_user", "get_user", "list"]),
            outcome=(outcome := rng.choice(_OUTCOMES)),
            status=200 if outcome is Outcome.OK else rng.choice([0, 500]),
            error={Outcome.FAILED: "refused", Outcome.TIMEOUT: "timeout"}.get(outcome, ""),
            started_us=1_000_000 + n * 500,
            intended_us=1_000_000 + n * 500 - rng.randrange(900),
            iteration=n,
            bytes_out=rng.randrange(400),
        )
        for n in range(3_000)
    ]
    return Spool(samples=made, outcome=complete())


@pytest.fixture(scope="module", params=[1, 17], ids=["few", "many"])
def history(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[History]:
    """Give a history of these samples, each of them once or so often that they are many."""
    folder = tmp_path_factory.mktemp("tallied")
    with history_at(folder / "history.duckdb") as opened:
        opened.ingest(_drawn().write(folder), KEY.benchmark)
        opened.connection.execute(
            "insert into sample_rows select sample_rows.* from sample_rows, range(?)",
            [request.param - 1],
        )
        yield opened


def _judged(history: History, summary: Summary, statistic: str) -> float | None:
    """Ask what a threshold with the summary's filter judges, by SQL over the samples."""
    tags = ",".join(f"{name}:{text}" for name, text in summary.tags.items())
    key = f"{summary.metric}{{{tags}}}" if tags else summary.metric
    threshold = parse_threshold(key, f"{statistic}<1")
    return figure_of(
        history.connection, KEY, threshold, lambda: measured_windows(history.connection, KEY)
    )


def test_every_figure_of_every_summary_is_the_one_that_a_threshold_judges(
    history: History,
) -> None:
    found = [
        summary for summary in history.summarise(KEY) if CATALOG[summary.metric].source is not None
    ]
    asked = {
        (summary.metric, *summary.tags.items(), name): (
            summary.figure(name),
            _judged(history, summary, name),
        )
        for summary in found
        for name, statistic in STATISTICS.items()
        if CATALOG[summary.metric].kind in statistic.judged
    }
    # Means are of floats in any order, and ours of whole numbers; 99.9 / 100 is not 0.999.
    near = [name for name in asked if name[-1] in {"avg", "p(99.9)"}]

    assert {summary.metric for summary in found} > {"http_req_duration", "http_reqs", "errors"}
    assert {tag for summary in found for tag in summary.tags} == {
        *("scenario", "operation", "status", "error")
    }
    assert [asked[name][0] for name in near] == pytest.approx(
        [asked[name][1] for name in near], rel=1e-12
    )
    assert {name for name, pair in asked.items() if pair[0] != pair[1]} <= {*near}
    assert len(asked) > 200


def test_totals_are_exact_however_large_they_are() -> None:
    # 2^53 - 1 us is the longest time there is: a thousand of them are more than 64 bits hold.
    values = np.array([1, 2**53 - 1, 5])
    times = np.array([2, 2_000, 3])

    assert _totals(values, times, np.array([0, 2])) == [2 + 2_000 * (2**53 - 1), 15]
