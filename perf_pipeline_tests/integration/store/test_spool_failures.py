"""How operations failed is told by status or class of error, with the operation and the share."""

from pathlib import Path

from perf_pipeline.metrics.sample import Outcome, Phase, Sample
from perf_pipeline.store.spool_failures import failure_ways, told_failures
from perf_pipeline.store.spool_figures import span_figures
from perf_pipeline_tests.support.histories.spool import Spool, sample

FAILED, TIMED_OUT = Outcome.FAILED, Outcome.TIMEOUT


def forbidden(operation: str = "auth::login") -> Sample:
    return sample(operation=operation, outcome=FAILED, status=403, error="status")


def told(folder: Path, *samples: Sample) -> list[str]:
    written = Spool(samples=samples).write(folder) / "api"
    return list(told_failures(written, span_figures(written)))


def test_a_status_on_every_request_is_told_with_the_operation(tmp_path: Path) -> None:
    samples = [*[forbidden()] * 20, *[sample(operation="list")] * 20]

    assert told(tmp_path, *samples) == ["403 on auth::login, 100 %"]


def test_ways_stand_in_the_order_of_how_often_they_came(tmp_path: Path) -> None:
    """Of 40 requests 30 are 403 (75 %) and 4 get no answer in time (10 %)."""
    late = sample(operation="auth::login", outcome=TIMED_OUT, status=0, error="timeout")
    samples = [*[late] * 4, *[forbidden()] * 30, *[sample(operation="auth::login")] * 6]

    assert told(tmp_path, *samples) == ["403 on auth::login, 75 %", "timeout on auth::login, 10 %"]


def test_what_is_rarer_than_one_in_a_hundred_is_counted_and_not_told(tmp_path: Path) -> None:
    samples = [forbidden("list"), *[sample(operation="list")] * 199]

    assert told(tmp_path, *samples) == []
    [way] = failure_ways(tmp_path / "r1" / "api")
    assert (str(way), way.failures, way.operations) == ("403 on list, 0.50 %", 1, 200)


def test_warm_up_is_not_counted(tmp_path: Path) -> None:
    warm = sample(operation="list", phase=Phase.WARM_UP, outcome=FAILED, status=500, error="status")

    assert told(tmp_path, warm, sample(operation="list")) == []


def test_many_ways_are_counted_after_the_first_five(tmp_path: Path) -> None:
    samples = [forbidden(f"step {number}") for number in range(7)]

    found = told(tmp_path, *samples)

    assert found[0] == "403 on step 0, 100 %"
    assert found[5:] == ["2 more ways of failing"]
