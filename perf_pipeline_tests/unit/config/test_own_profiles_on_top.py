"""A profile on top of a shipped one runs its own benchmarks, and of the shipped what it names."""

from pathlib import Path

import pytest

from perf_pipeline.benchmarks.registry import NAMES
from perf_pipeline.config.loading import load_profile

OWN = """
extends = "quick"
name = "shop"
[benchmarks.shop.scenarios.look]
exec = "http_steps"
executor = "constant-vus"
vus = 1
duration = "1s"
parameters = { steps = [{ name = "home", path = "/" }] }
"""
PLAIN = """
extends = "quick"
name = "elsewhere"
target = "staging"
targets.staging.baseUrl = "http://127.0.0.1:8000"
"""


@pytest.mark.parametrize(
    ("text", "enabled"),
    [
        (OWN, ["shop"]),
        (f"{OWN}[benchmarks.end_to_end]\n", ["end_to_end", "shop"]),
        (f"{OWN}[benchmarks.end_to_end]\nenabled = false\n", ["shop"]),
        (
            f"{OWN}[benchmarks.queue_produce]\ntopic = 'mine'\n",
            ["queue_produce", "shop"],
        ),
        (PLAIN, list(NAMES)),
        (
            f"{PLAIN}[benchmarks.queue_produce]\nenabled = false\n",
            [name for name in NAMES if name != "queue_produce"],
        ),
    ],
    ids=["own", "own and named", "own and switched off", "own and changed", "none", "one less"],
)
def test_who_has_benchmarks_of_his_own_does_not_inherit_others_that_he_does_not_name(
    tmp_path: Path, text: str, enabled: list[str]
) -> None:
    path = tmp_path / "shop.toml"
    path.write_text(text, encoding="utf-8")

    assert load_profile(str(path)).enabled_names == enabled


def test_an_inherited_benchmark_can_still_be_asked_for_by_name(tmp_path: Path) -> None:
    path = tmp_path / "shop.toml"
    path.write_text(OWN, encoding="utf-8")

    assert load_profile(str(path)).benchmark_names == [*NAMES, "shop"]
