"""What reports draw of a benchmark's time: its plan, its operations, and its measured phase."""

from pathlib import Path

from perf_pipeline.judging.course import courses_of
from perf_pipeline.judging.judge import recover_run
from perf_pipeline.store.state import State
from perf_pipeline_tests.support.histories.half_runs import A, B, HalfRun, two_promises


def test_operations_are_drawn_with_the_thresholds_on_them(tmp_path: Path) -> None:
    HalfRun(tmp_path).begin().measure(A).measure(B)
    recover_run(State(tmp_path), "r1")
    with State(tmp_path).history() as history:
        found = courses_of(history, "r1", two_promises())

    assert set(found) == {A, B}
    # 20 operations within one second, 5 ms each
    (ended,) = (line for line in found[B].series if line.panel == "operations that ended")
    assert ended.points == ((0.0, 20.0),)
    (p95,) = (
        line
        for line in found[B].series
        if (line.panel, line.name) == ("service time of create_user", "p95")
    )
    assert p95.points == ((0.0, 5.0),)
    assert "http_req_duration" in p95.keys
    assert "http_req_duration{operation:create_user}" in p95.keys
    assert "http_req_duration{scenario:create_users}" in p95.keys
    assert "db_query_duration" not in p95.keys
    assert found[B].measured_s == (0.0, 1.0)
    assert found[B].failures == ()
