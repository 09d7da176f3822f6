"""Re-runs are told from runs by their ids, also where a driver brings ids of its own."""

import pytest

from perf_pipeline.store.rerun_ids import rerun_id, rerun_of


@pytest.mark.parametrize("run_id", ["20261128-224435-15c055", "r001", "nightly-ci"])
@pytest.mark.parametrize("number", [1, 2, 100])
def test_a_re_run_names_the_run_that_it_confirms(run_id: str, number: int) -> None:
    assert rerun_of(rerun_id(run_id, number)) == run_id


@pytest.mark.parametrize(
    "run_id", ["20261128-224435-15c055", "nightly-ci", "nightly-ci1", "a-cpu", "-c1"]
)
def test_an_id_with_a_c_near_its_end_is_no_re_run(run_id: str) -> None:
    assert not rerun_of(run_id)
