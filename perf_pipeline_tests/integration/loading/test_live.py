"""abortOnFail: thresholds judged over the spool of a running load."""

import csv
from dataclasses import astuple
from pathlib import Path

from perf_pipeline.loading.live import LiveJudge
from perf_pipeline.metrics.sample import SAMPLE_COLUMNS, Outcome, Phase, Sample
from perf_pipeline.metrics.threshold import Threshold, parse_threshold
from perf_pipeline.store.records import RunKey, RunRecord

KEY = RunKey("r1", "api_user_creation")


def spool(tmp_path: Path, service_ms: list[int]) -> Path:
    """Write the spool of a load that has made one POST of each service time so far."""
    folder = tmp_path / "r1" / KEY.benchmark
    folder.mkdir(parents=True)
    record = RunRecord("r1", "quick", "{}", "h", 1, "local", "cli", "0", "2026-01-04T00:00:00Z")
    (tmp_path / "r1" / "run.json").write_text(record.to_json(), encoding="utf-8")
    with (folder / "samples-1-0.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(SAMPLE_COLUMNS)
        for number, ms in enumerate(service_ms):
            start = number * 100_000
            sample = Sample(
                *("create_users", "http", 1, number, "create_user", Phase.MEASURED),
                *(start, start, start + ms * 1_000, Outcome.OK, 201),
            )
            writer.writerow(astuple(sample))
    return tmp_path / "r1"


def abort(expression: str, *, delay_us: int = 0) -> Threshold:
    return parse_threshold(
        "http_req_duration", expression, abort_on_fail=True, delay_abort_eval_us=delay_us
    )


def test_a_failed_threshold_with_abort_on_fail_is_found_with_what_was_observed(
    tmp_path: Path,
) -> None:
    judge = LiveJudge(spool(tmp_path, [4, 5, 6]), KEY, [abort("max<10"), abort("max<6")])

    failed = judge.failed(2.0)

    assert failed is not None
    assert (failed[0].source, failed[1]) == ("max<6", 6.0)


def test_it_looks_every_two_seconds_and_not_before(tmp_path: Path) -> None:
    judge = LiveJudge(spool(tmp_path, [6]), KEY, [abort("max<6")])

    assert judge.failed(1.9) is None
    assert judge.failed(2.06) is not None
    assert judge.failed(3.9) is None
    assert judge.failed(4.01) is not None


def test_the_delay_must_have_passed_and_not_only_be_reached(tmp_path: Path) -> None:
    """As k6: abort only when delayAbortEval < elapsed."""
    folder = spool(tmp_path, [6])

    assert LiveJudge(folder, KEY, [abort("max<6", delay_us=4_000_000)]).failed(4.0) is None
    assert LiveJudge(folder, KEY, [abort("max<6", delay_us=4_000_000)]).failed(4.1) is not None


def test_time_counts_from_the_first_load_and_not_from_starting_its_workers(tmp_path: Path) -> None:
    judge = LiveJudge(spool(tmp_path, [6]), KEY, [abort("max<6")])
    judge.load_began(0.8)
    judge.load_began(30.0)  # a second step

    assert judge.failed(2.7) is None  # 1.9 s of load
    assert judge.failed(2.85) is not None


def test_a_metric_without_data_so_far_aborts_nothing(tmp_path: Path) -> None:
    judge = LiveJudge(spool(tmp_path, []), KEY, [abort("max<6")])

    assert judge.failed(2.0) is None


def test_a_threshold_without_abort_on_fail_is_left_to_the_end(tmp_path: Path) -> None:
    folder = tmp_path / "not there"

    assert LiveJudge(folder, KEY, [parse_threshold("http_req_duration", "max<6")]).failed(9) is None
