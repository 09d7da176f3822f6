"""A benchmark whose steps have more names than are told apart is refused before the load."""

from pathlib import Path

import pytest

from perf_pipeline.config.loading import load_profile
from perf_pipeline.errors import ProfileError

_HEAD = """
extends = "quick"
name = "many"
[benchmarks.a.scenarios.s]
exec = "http_steps"
executor = "constant-vus"
vus = 1
duration = "1s"
[benchmarks.a.thresholds]
http_req_failed = ["rate<0.01"]
"""
_STEP = """
[[benchmarks.a.scenarios.s.parameters.steps]]
name = "get {}"
path = "/x"
"""


def _profile(folder: Path, steps: int) -> str:
    path = folder / "many.toml"
    text = _HEAD + "".join(_STEP.format(number) for number in range(steps))
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_a_thousand_and_one_names_are_refused(tmp_path: Path) -> None:
    told = "its steps have 1,001 different names, but a benchmark can have at most 1,000"
    with pytest.raises(ProfileError, match=told):
        load_profile(_profile(tmp_path, 1_001))


def test_a_thousand_names_are_taken(tmp_path: Path) -> None:
    assert "a" in load_profile(_profile(tmp_path, 1_000)).benchmarks
