import pytest

from perf_pipeline.analysis.baseline import DiffStatus
from perf_pipeline.analysis.outcome import exit_code
from perf_pipeline.metrics.threshold import Status


@pytest.mark.parametrize(
    ("verdicts", "diffs", "code"),
    [
        ([], [], 0),
        ([Status.PASS, Status.WARN], [DiffStatus.OK, DiffStatus.SUSPECT], 0),
        ([Status.PASS], [DiffStatus.NO_DATA, DiffStatus.LEARNING], 0),
        ([Status.PASS], [DiffStatus.ENVIRONMENT_CHANGED], 0),
        ([Status.PASS, Status.NO_DATA], [], 97),
        ([Status.INVALID], [], 97),
        ([Status.INVALID], [DiffStatus.REGRESSED], 98),
        ([Status.FAIL, Status.INVALID], [DiffStatus.REGRESSED], 99),
    ],
)
def test_the_gravest_outcome_decides_the_exit_code(
    verdicts: list[Status], diffs: list[DiffStatus], code: int
) -> None:
    assert exit_code(verdicts, diffs) == code


def test_a_benchmark_that_never_ran_is_not_measured() -> None:
    assert exit_code([Status.PASS], measured=False) == 97


@pytest.mark.parametrize(
    ("verdicts", "diffs", "code"),
    [
        ([Status.PASS], [DiffStatus.ENVIRONMENT_CHANGED], 97),
        ([Status.PASS], [DiffStatus.REGRESSED, DiffStatus.ENVIRONMENT_CHANGED], 98),
        ([Status.FAIL], [DiffStatus.ENVIRONMENT_CHANGED], 99),
    ],
)
def test_a_gate_that_is_withheld_and_fails_could_not_measure(
    verdicts: list[Status], diffs: list[DiffStatus], code: int
) -> None:
    assert exit_code(verdicts, diffs, withheld=True) == code


def test_a_run_stopped_by_the_user_says_only_that() -> None:
    assert exit_code([Status.FAIL], stopped=True) == 105
