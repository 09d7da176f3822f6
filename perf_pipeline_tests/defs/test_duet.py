"""A profile with a section `[duet]` has an asset that compares its sides, and others have none.

Add here: what else such an asset shows. Keep out: comparing (integration/cli/test_duet.py).
"""

import sys
from pathlib import Path
from typing import Final

import dagster as dg
import pytest

from perf_pipeline.config.given_profiles import given_profiles
from perf_pipeline.defs.graph import definitions_of
from perf_pipeline.defs.resources import PerfRun
from perf_pipeline_tests.support.loads.orders import orders
from perf_pipeline_tests.support.places import new_state
from perf_pipeline_tests.support.servers import slow_by

_DUET: Final = """
[duet]
within = "7s"
warmUp = "1s"
baseline = "{baseline}"
candidate = "{candidate}"
"""


def _profile(folder: Path, name: str, duet: str = "") -> Path:
    path = folder / f"{name}.toml"
    path.write_text(orders(name) + duet, encoding="utf-8")
    return path


def _duet() -> str:
    start = f"exec {sys.executable} {slow_by.__file__} {{port}}"
    return _DUET.format(baseline=f"{start} 20", candidate=f"{start} 40")


def test_only_profiles_that_compare_sides_have_the_asset(tmp_path: Path) -> None:
    without = given_profiles([_profile(tmp_path, "a")])
    one = given_profiles([_profile(tmp_path, "a"), _profile(tmp_path, "b", _duet())])
    two = given_profiles([_profile(tmp_path, "b", _duet()), _profile(tmp_path, "c", _duet())])

    found = [
        {key.to_user_string() for key in definitions_of(given).resolve_all_asset_keys()}
        for given in (without, one, two)
    ]

    assert [sorted(name for name in names if "duet" in name) for names in found] == [
        [],
        ["duet"],
        ["duet_b", "duet_c"],
    ]


def test_a_slower_candidate_fails_the_check_of_its_asset(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, state = _profile(tmp_path, "b", _duet()), new_state(tmp_path / "state")
    monkeypatch.setenv("PERF_LOCK_FOLDER", str(tmp_path / "lock"))
    definitions = definitions_of(
        given_profiles([path]), perf_run=PerfRun(state=str(state), profile=str(path))
    )

    with dg.DagsterInstance.ephemeral() as instance:
        done = definitions.resolve_job_def("duet_job").execute_in_process(
            instance=instance, raise_on_error=False
        )

    (check,) = done.get_asset_check_evaluations()
    assert not done.success
    assert (check.check_name, check.passed) == ("verdict", False)
    assert check.metadata["exit_code"].value == 98
    shown = done.asset_materializations_for_node("duet")[0].metadata
    assert shown["verdict"].value == "SLOWER"
    assert "get" in str(shown["comparison"].value)
