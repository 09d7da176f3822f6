"""Which runs a push of named runs means."""

import pytest

from perf_pipeline.sharing.pushing import PushWish


@pytest.mark.parametrize(
    ("run_id", "is_meant"),
    [
        pytest.param("nightly", True, id="the run itself"),
        pytest.param("nightly-c1", True, id="its first re-run"),
        pytest.param("nightly-c12", True, id="its twelfth re-run"),
        pytest.param("nightly-ci", False, id="another run whose id goes on alike"),
        pytest.param("nightly-c", False, id="a re-run has a number"),
        pytest.param("weekly-c1", False, id="a re-run of another run"),
    ],
)
def test_a_named_run_is_pushed_with_its_re_runs_and_no_others(
    run_id: str, *, is_meant: bool
) -> None:
    assert PushWish(run_ids=["nightly"]).wants(run_id) is is_meant


def test_every_run_is_meant_where_none_is_named() -> None:
    assert PushWish().wants("nightly")
