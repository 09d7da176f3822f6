"""Figures of a filter by tags of scenarios: of raw rows, of histograms, of a running load."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from perf_pipeline.loading.live import LiveJudge
from perf_pipeline.metrics.threshold import Threshold, parse_threshold
from perf_pipeline.store.history import History
from perf_pipeline.store.records import RunKey
from perf_pipeline_tests.support.histories.new_history import history_at
from perf_pipeline_tests.support.histories.spool import KEY, Spool, by_key, complete, counts, sample

TAGS: Final = {"pay": {"team": "x"}, "cart": {"team": "x"}, "find": {"team": "y"}}
# Team x: 10, 20 and 40 ms, one of them failed; team y: 900 ms.
SPOOL: Final = Spool(
    samples=[
        sample(10, scenario="pay", operation="buy", status=200),
        sample(20, scenario="pay", operation="buy", status=200),
        sample(40, scenario="cart", operation="add", status=503, error="status"),
        sample(900, scenario="find", operation="search", status=200),
    ],
    # pay is measured in seconds 1 to 11, cart in 11 to 21: 20 s in all.
    outcome=complete(
        counts("pay", iterations=2),
        replace(
            counts("cart", iterations=1, dropped=3),
            measured_from_us=11_000_000,
            measured_until_us=21_000_000,
        ),
        counts("find", iterations=1),
        measured_s=20.0,
    ),
)
OLD: Final = RunKey("r0", "api")


def threshold(key: str, text: str, *, abort_on_fail: bool = False) -> Threshold:
    return parse_threshold(key, text, abort_on_fail=abort_on_fail, scenario_tags=TAGS)


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    """Hold the same run twice: r0 was pruned, r1 was not."""
    tmp_path = tmp_path_factory.mktemp("tags")
    with history_at(tmp_path / "history.duckdb") as opened:
        for run_id, day in (("r0", 1), ("r1", 2)):
            at = f"2026-11-0{day}T12:00:00+00:00"
            opened.ingest(replace(SPOOL, run_id=run_id, began_at=at).write(tmp_path), "api")
            opened.summarise(RunKey(run_id, "api"))
        assert opened.prune(1) == ["r0"]
        yield opened


@pytest.mark.parametrize("key", [KEY, OLD], ids=["raw", "pruned"])
@pytest.mark.parametrize(
    ("metric", "text", "figure"),
    [
        ("http_reqs{team:x}", "count>0", 3),
        ("http_reqs{team:x}", "rate>0", 3 / 20),
        ("http_reqs{team:y}", "rate>0", 1 / 10),
        ("http_reqs{team:x,operation:buy}", "rate>0", 2 / 10),
        ("http_reqs{team:x,scenario:cart}", "count>0", 1),
        ("http_reqs{team:x,status:503}", "count>0", 1),
        ("http_reqs{team:y,status:503}", "count==0", 0),
        ("http_req_duration{team:x}", "avg<1", 70 / 3),
        ("http_req_duration{team:x}", "max<1", 40),
        ("http_req_duration{team:y}", "min<1", 900),
        ("iterations{team:x}", "count>0", 3),
        ("dropped_iterations{team:x}", "count==0", 3),
        ("dropped_iterations{team:y}", "count==0", 0),
    ],
)
def test_a_figure_of_a_tag_is_that_of_the_samples_of_its_scenarios(
    history: History, key: RunKey, metric: str, text: str, figure: float
) -> None:
    assert history.observe(key, threshold(metric, text)) == pytest.approx(figure)


def test_a_percentile_of_a_tag_is_over_all_its_scenarios(history: History) -> None:
    """Of 10, 20 and 40 ms the median is 20, and p(75) halfway between 20 and 40."""
    assert history.observe(KEY, threshold("http_req_duration{team:x}", "med<1")) == 20
    assert history.observe(KEY, threshold("http_req_duration{team:x}", "p(75)<1")) == 30


def test_the_filter_of_a_threshold_has_a_summary_so_that_runs_can_be_compared_by_it(
    history: History,
) -> None:
    found = by_key(history.summarise(KEY, also=[threshold("http_reqs{team:x}", "count>0")]))

    assert found["http_reqs{team:x}"].count == 3
    assert found["http_reqs{team:x}"].rate == pytest.approx(3 / 20)


def test_a_tag_whose_scenarios_are_not_known_has_no_figure(history: History) -> None:
    """Never that of all samples: it would be a verdict on something else."""
    lost = replace(threshold("http_reqs{team:x}", "count>0"), scenarios=())

    assert history.observe(KEY, lost) is None
    assert history.observe(OLD, lost) is None


def test_abort_on_fail_looks_at_the_scenarios_of_the_tag_only(tmp_path: Path) -> None:
    run = replace(SPOOL, outcome=None).write(tmp_path)
    holds = threshold("http_req_duration{team:x}", "max<41", abort_on_fail=True)
    fails = threshold("http_req_duration{team:y}", "max<41", abort_on_fail=True)

    assert LiveJudge(run, KEY, [holds]).failed(2.0) is None
    assert LiveJudge(run, KEY, [holds, fails]).failed(2.0) == (fails, 900.0)
