"""Old raw samples and spool files go, at the newest run's report, and nothing else does."""

import csv
import shutil
from dataclasses import astuple
from pathlib import Path

import pytest

from perf_pipeline.config.loading import load_profile
from perf_pipeline.errors import StoreError
from perf_pipeline.judging.judge import judge_run, recover_run
from perf_pipeline.judging.publish import publish
from perf_pipeline.metrics.sample import SAMPLE_COLUMNS, Outcome, Phase, Sample
from perf_pipeline.metrics.threshold import Status
from perf_pipeline.store.records import BenchmarkOutcome, RunRecord, ScenarioCounts
from perf_pipeline.store.state import State
from perf_pipeline_tests.support.histories.queries import rows_in

SECOND = 1_000_000
BENCHMARK = "api_user_creation"


def spooled_run(state: Path, run_id: str, day: int, *, keep: int, trigger: str = "cli") -> Path:
    """Leave the spool of a run that made ten requests, of 5.00 to 5.36 ms."""
    profile = load_profile("quick", {"keepRawRuns": keep})
    folder = State(state).spool / run_id
    (folder / BENCHMARK).mkdir(parents=True)
    record = RunRecord(
        *(run_id, "quick", profile.as_json, "h", 1, "local", trigger, "0"),
        began_at=f"2026-01-{day:02}T00:00:00+00:00",
    )
    (folder / "run.json").write_text(record.to_json(), encoding="utf-8")
    with (folder / BENCHMARK / "samples-1-0.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(SAMPLE_COLUMNS)
        for number in range(10):
            at_us = number * SECOND // 10
            sample = Sample(
                *("create_users", "http", 1, number, "create_user", Phase.MEASURED),
                *(at_us, at_us, at_us + 5_000 + 40 * number, Outcome.OK, 201),
            )
            writer.writerow(astuple(sample))
    outcome = BenchmarkOutcome(
        *(BENCHMARK, "complete", record.began_at, 1.0, 1.0, True),
        scenarios=[ScenarioCounts("create_users", 10, 0, 0, 10, 0, SECOND)],
    )
    (folder / BENCHMARK / "outcome.json").write_text(outcome.to_json(), encoding="utf-8")
    return folder


def samples_of(state: Path) -> dict[str, int]:
    """Count the raw samples of every run."""
    sql = "select run_id, count(*) from samples group by run_id order by run_id"
    return dict(rows_in(State(state).history_file, sql))


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a state folder with three runs in the history, and one that only the spool has."""
    folder = tmp_path_factory.mktemp("stored")
    for day, run_id in enumerate(("r1", "r2", "r3"), 1):
        spooled_run(folder, run_id, day, keep=2)
        recover_run(State(folder), run_id)
    spooled_run(folder, "r0", 1, keep=2)
    return folder


@pytest.fixture
def state(stored: Path, tmp_path: Path) -> Path:
    """Give a copy of that state folder."""
    shutil.copytree(stored, tmp_path, dirs_exist_ok=True)
    return tmp_path


@pytest.fixture(scope="module")
def pruned(stored: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a copy in which the newest run was reported; nobody changes it."""
    folder = tmp_path_factory.mktemp("pruned")
    shutil.copytree(stored, folder, dirs_exist_ok=True)
    publish(State(folder), "r3")
    return folder


def test_the_newest_report_drops_raw_samples_and_files_of_old_runs(pruned: Path) -> None:
    assert samples_of(pruned) == {"r2": 10, "r3": 10}
    assert sorted(path.name for path in State(pruned).spool.iterdir()) == ["r0", "r2", "r3"]


def test_summaries_and_verdicts_of_old_runs_stay(pruned: Path) -> None:
    count = "select count(*) from {} where run_id = 'r1'"
    for table in ("summaries", "verdicts", "benchmarks"):
        assert rows_in(State(pruned).history_file, count.format(table))[0][0] > 0, table


def test_old_runs_whose_files_are_gone_are_not_read_again_by_every_report(
    pruned: Path, tmp_path: Path
) -> None:
    shutil.copytree(pruned, tmp_path, dirs_exist_ok=True)
    with State(tmp_path).history() as history:
        # Whoever asks for what the run was is told of it; a series needs no histogram.
        changed = history.connection.execute("delete from histograms where run_id = 'r1'")
        assert changed.fetchone() != (0,)
        with pytest.raises(StoreError, match="r1"):
            history.outcomes("r1")

    publish(State(tmp_path), "r3")


def test_a_report_of_an_old_run_drops_nothing(state: Path) -> None:
    publish(State(state), "r2")

    assert samples_of(state) == {"r1": 10, "r2": 10, "r3": 10}


def test_another_profile_to_judge_by_drops_no_more_than_the_runs_own(state: Path) -> None:
    publish(State(state), "r3", profile=load_profile("quick", {"keepRawRuns": 1}))

    assert samples_of(state) == {"r2": 10, "r3": 10}


def test_a_re_run_that_confirms_does_not_keep_the_old_ones(state: Path) -> None:
    spooled_run(state, "r3-c1", 4, keep=2, trigger="confirm")
    recover_run(State(state), "r3-c1")

    publish(State(state), "r3")

    assert samples_of(state) == {"r3": 10, "r3-c1": 10}


def test_a_dropped_run_can_still_be_reported_and_says_what_it_said(
    pruned: Path, tmp_path: Path
) -> None:
    shutil.copytree(pruned, tmp_path, dirs_exist_ok=True)

    report = publish(State(tmp_path), "r1")

    assert [str(benchmark.status) for benchmark in report.benchmarks] == ["COMPLETED"]
    assert report.benchmarks[0].verdicts


def test_a_dropped_run_that_is_judged_again_keeps_its_exact_figures(
    state: Path, pruned: Path, tmp_path: Path
) -> None:
    shutil.copytree(pruned, tmp_path / "pruned")
    before = judge_run(State(state), "r1")[BENCHMARK]

    after = judge_run(State(tmp_path / "pruned"), "r1")[BENCHMARK]

    assert after == before
    # 5.00, 5.04 ... 5.36 ms: rank 0.95 * 9 = 8.55 lies between 5.32 and 5.36 ms.
    assert 5.342 in [pytest.approx(verdict.observed) for verdict in after]


@pytest.mark.parametrize(
    ("bound", "status", "told"),
    [
        ("p(95)<5.35", Status.PASS, ""),  # judged before, by another bound
        ("p(95)<5.34", Status.FAIL, ""),
        ("p(80)<6", Status.PASS, "from a histogram, ±0.5%"),
        # Exactly 5.288 ms; a histogram knows it within 0.026 ms.
        ("p(80)<5.29", Status.NO_DATA, "from a histogram, ±0.5%; too close to the bound to tell"),
        ("p(80)!=5.28", Status.NO_DATA, "from a histogram, ±0.5%; too close to the bound to tell"),
        ("max<=5.36", Status.PASS, ""),
    ],
)
def test_a_histogram_decides_only_what_its_error_lets_it(
    pruned: Path, bound: str, status: Status, told: str
) -> None:
    keys = f"benchmarks.{BENCHMARK}.thresholds"
    what_if = load_profile("quick", {f"{keys}.http_req_duration": [bound]})

    verdicts = judge_run(State(pruned), "r1", profile=what_if)[BENCHMARK]

    (verdict,) = [one for one in verdicts if one.threshold.source == bound]
    assert verdict.status is status
    assert verdict.reason.startswith(told) if told else not verdict.reason


def test_a_histograms_figure_is_told_as_one_whatever_else_is_told(
    pruned: Path, tmp_path: Path
) -> None:
    # As if it was stopped, and pruned before it was judged.
    shutil.copytree(pruned, tmp_path, dirs_exist_ok=True)
    with State(tmp_path).history() as history:
        for change in ("delete from verdicts", "delete from digests"):
            history.connection.execute(f"{change} where run_id = 'r1'")
        history.connection.execute("update benchmarks set status = 'stopped' where run_id = 'r1'")

    for _ in range(2):  # what the first one stored is no exact figure to the second one
        verdicts = judge_run(State(tmp_path), "r1")[BENCHMARK]

        (reason,) = {one.reason for one in verdicts if one.threshold.statistic == "p"}
        assert reason == (
            "from a histogram, ±0.5%; the benchmark was stopped, and a part of a benchmark proves "
            "nothing"
        )
