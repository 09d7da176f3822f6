"""What a benchmark writes down, as the points that are sent of it."""

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from perf_pipeline.engine.ports import Iteration
from perf_pipeline.engine.recorder import SpoolRecorder
from perf_pipeline.metrics.sample import Outcome, Phase
from perf_pipeline.metrics.spool_rows import HEAD_BYTES, SAMPLE_ROWS
from perf_pipeline.outputs.following import Following
from perf_pipeline.outputs.point import Point

ORIGIN_MS = 1_700_000_000_000
S, MS = 1_000_000, 1_000
VU = Iteration("buy", "http", 1, 0, 0, Phase.MEASURED, random.Random(0))


@contextmanager
def recording(folder: Path) -> Iterator[SpoolRecorder]:
    folder.mkdir(exist_ok=True)
    recorder = SpoolRecorder(folder, "1", 0, ("buy",), print)
    yield recorder
    recorder.close()


def values(points: list[Point], metric: str, /, **labels: str) -> dict[int, float]:
    """Give the values of a series by the ms since the origin."""
    return {
        at_ms - ORIGIN_MS: value
        for series, at_ms, value in points
        if series.metric == metric and labels.items() <= dict(series.labels).items()
    }


def written(folder: Path, recorder: SpoolRecorder, samples: int) -> None:
    """Wait until the writing thread has written so many samples."""
    recorder.flush()
    path = folder / "samples-1-0.npy"
    until_s = time.monotonic() + 20
    while path.stat().st_size < HEAD_BYTES + samples * SAMPLE_ROWS.packing.size:
        assert time.monotonic() < until_s
        time.sleep(0.01)


def following(folder: Path) -> Following:
    return Following(folder, {"testid": "r1"}, ORIGIN_MS)


def test_the_samples_of_a_second_are_counted_and_timed_by_operation(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    with recording(folder) as recorder:
        # 1 ms to 100 ms, all ended in the second from 1 s to 2 s.
        for ms in range(1, 101):
            begin_us = S + ms * MS
            recorder.sample(
                VU, "pay", begin_us, begin_us + ms * MS, Outcome.OK, status=200, bytes_in=10
            )
        recorder.sample(
            VU, "pay", 2 * S, 2 * S + 5 * MS, Outcome.FAILED, status=503, error="status"
        )
        recorder.sample(VU, "pay", 2 * S, 2 * S + 5 * MS, Outcome.TIMEOUT, error="timeout")
        recorder.sample(VU, "pay", 2 * S, 2 * S + 5 * MS, Outcome.INTERRUPTED)

    points = following(folder).look()

    # A new counter was 0 a second before, so that `rate()` sees its first growth.
    assert values(points, "k6_http_reqs_total", name="pay") == {1_000: 0, 2_000: 100, 3_000: 102}
    assert values(points, "k6_data_received_total") == {1_000: 0, 2_000: 1_000, 3_000: 1_000}
    assert values(points, "k6_http_req_failed_rate") == {2_000: 0, 3_000: 1}
    # Linear interpolation as in k6: 1 + 0.95 * 99 = 95.05 ms; in seconds, as k6 sends it.
    assert values(points, "k6_http_req_duration_p95")[2_000] == 0.09505
    assert values(points, "k6_http_req_duration_p50")[2_000] == 0.0505
    assert values(points, "perf_failures_total", error="status 503") == {2_000: 0, 3_000: 1}
    assert values(points, "perf_failures_total", error="timeout") == {2_000: 0, 3_000: 1}
    assert {dict(point.series.labels)["testid"] for point in points} == {"r1"}


def test_a_second_is_given_once_and_when_it_is_over(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    follows = following(folder)
    with recording(folder) as recorder:
        assert follows.look(ORIGIN_MS + 5_000) == []
        recorder.sample(VU, "pay", S, S + MS, Outcome.OK)
        written(folder, recorder, 1)
        early = follows.look(ORIGIN_MS + 4_999)
        due = follows.look(ORIGIN_MS + 5_000)
        recorder.sample(VU, "pay", S, S + 2 * MS, Outcome.OK)  # written down far too late
        recorder.sample(VU, "pay", 9 * S, 9 * S + MS, Outcome.OK)
    last = follows.look()

    assert early == []
    assert values(due, "k6_http_reqs_total") == {1_000: 0, 2_000: 1}
    assert values(last, "k6_http_reqs_total") == {3_000: 2, 10_000: 3}
    assert follows.look() == []


def test_iterations_are_counted_up_to_the_end_but_for_interrupted_ones(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    with recording(folder) as recorder:
        for n in range(10):
            recorder.iteration(VU, n * S // 2, n * S // 2 + MS, Outcome.OK)
        recorder.iteration(VU, 4 * S, 5 * S, Outcome.INTERRUPTED)
        recorder.iteration(VU, 4 * S, 5 * S, Outcome.FAILED)

    points = following(folder).look()

    assert values(points, "k6_iterations_total", scenario="buy") == {
        0: 0, 1_000: 2, 2_000: 4, 3_000: 6, 4_000: 8, 5_000: 10, 6_000: 11
    }  # fmt: skip


def test_readings_are_sent_as_they_were_read(tmp_path: Path) -> None:
    (tmp_path / "readings-host.csv").write_text(
        "at_us,source,name,value\n-500000,host,host_cpu_percent,12.5\n", encoding="utf-8"
    )
    (tmp_path / "readings-vus-1.csv").write_text(
        'at_us,source,name,value\n1000000,,vus,7\n1000000,"buy",vus,3\n', encoding="utf-8"
    )

    points = following(tmp_path).look()

    assert values(points, "perf_host_cpu_percent", source="host") == {-500: 12.5}
    # The sum over scenarios is for who asks to make.
    assert values(points, "k6_vus") == values(points, "k6_vus", scenario="buy") == {1_000: 3}


def test_progress_gives_what_no_sample_tells(tmp_path: Path) -> None:
    figures = {
        "scenarios": [
            {"name": "buy", "iterations": 9, "dropped_iterations": 2, "planned_per_s": 5.0},
            {"name": "look", "iterations": 1, "dropped_iterations": 0, "planned_per_s": None},
        ]
    }

    points = list(following(tmp_path).progress(figures, ORIGIN_MS + 1_500))

    assert values(points, "k6_dropped_iterations_total", scenario="buy") == {500: 0, 1_500: 2}
    assert values(points, "perf_planned_iterations_per_s") == {1_500: 5}
