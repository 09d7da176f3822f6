"""The key `scaling`: what it may say, what is told before any load, and when it is INVALID."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from perf_pipeline.cli.main import main
from perf_pipeline.config.loading import validate_profile
from perf_pipeline.config.profile import Profile
from perf_pipeline.config.target import resolve_target
from perf_pipeline.errors import ProfileError
from perf_pipeline.judging.series import series_of
from perf_pipeline.plan.scaling import cores_short, free_cores

STEPS = {"steps": [{"name": "ok", "path": "/ok"}]}
OPEN = {"executor": "constant-arrival-rate", "rate": 5, "duration": "5s", "preAllocatedVUs": 2}
SHOP = {"scenarios": {"buy": {**OPEN, "exec": "http_steps", "parameters": STEPS}}}
WANTED = {"run": "scale api={n}", "usual": 2}


def raw(url: str = "http://127.0.0.1:9", **scaling: Any) -> dict[str, Any]:
    """Make a raw profile whose benchmark `grows` scales the shop."""
    return {
        "name": "mine",
        "target": "shop",
        "targets": {"shop": {"baseUrl": url, "allowed": ["api.example.com"]}},
        "workers": 2,
        "benchmarks": {
            "shop": SHOP,
            "grows": {"capacity": {"of": "shop"}, "scaling": {**WANTED, **scaling}},
        },
    }


def checked(document: dict[str, Any]) -> Profile:
    """Check a raw profile."""
    return validate_profile(document, "mine.toml")


def mistake(document: dict[str, Any]) -> str:
    """Give the only mistake of a raw profile."""
    with pytest.raises(ProfileError) as refused:
        checked(document)
    [problem] = refused.value.problems
    return problem


def test_a_command_gets_the_number_in_its_place() -> None:
    wanted = checked(raw()).benchmarks["grows"].scaling

    assert wanted is not None
    assert wanted.units == (1, 2, 4)
    assert (wanted.command(4), wanted.command(wanted.usual)) == ("scale api=4", "scale api=2")


@pytest.mark.parametrize(
    ("scaling", "told"),
    [
        ({"run": "scale api=2"}, "run has no {n}, where the number of units belongs"),
        ({"units": [4, 2]}, "units are at least two different numbers, the fewest first"),
        ({"units": [2]}, "units are at least two different numbers, the fewest first"),
        ({"units": [0, 2]}, "scaling.units[0] is 0; it must be at least 1"),
    ],
)
def test_what_makes_no_sense_is_refused(scaling: dict[str, Any], told: str) -> None:
    assert told in mistake(raw(**scaling))


def test_the_usual_number_has_to_be_said() -> None:
    document = raw()
    del document["benchmarks"]["grows"]["scaling"]["usual"]

    assert "usual" in mistake(document)


def test_scaling_without_a_search_is_refused() -> None:
    document = raw()
    document["benchmarks"]["grows"] = {**SHOP, "scaling": WANTED}

    assert "benchmarks.grows has scaling and no capacity" in mistake(document)


def test_its_thresholds_are_about_scaling_and_those_of_others_are_not() -> None:
    document = raw()
    document["benchmarks"]["grows"]["thresholds"] = {"capacity_per_s": ["value>5"]}
    assert "a scaling run itself has scaling_capacity_per_s" in mistake(document)

    document = raw()
    document["benchmarks"]["shop"] = {**SHOP, "thresholds": {"scaling_sigma": ["value<0.1"]}}
    assert "only a benchmark with the keys capacity and scaling has it" in mistake(document)


def test_efficiency_and_capacity_are_compared_over_runs() -> None:
    series = series_of(checked(raw()), "grows")
    own = {found.label: found.better for found in series if found.metric.startswith("scaling_")}

    assert own == {
        "scaling_efficiency_ratio value": "higher",
        "scaling_capacity_per_s value": "higher",
    }


@pytest.mark.parametrize(
    ("url", "scaling", "free"),
    [
        # 8 cores, of which 2 load workers take 2.
        ("http://127.0.0.1:9", {}, 6),
        ("http://localhost:9", {}, 6),
        ("http://127.0.0.1:9", {"cores": 64}, 64),
        ("http://api.example.com", {}, None),
    ],
)
def test_units_on_this_machine_have_the_cores_that_the_generator_leaves(
    url: str, scaling: dict[str, Any], free: int | None
) -> None:
    profile = checked(raw(url, **scaling))
    target = resolve_target("shop", profile.targets["shop"], {})
    wanted = profile.benchmarks["grows"].scaling

    assert wanted is not None
    assert free_cores(profile, target, wanted, 8) == free


def test_the_reference_system_is_on_this_machine() -> None:
    profile = checked(raw())
    wanted = profile.benchmarks["grows"].scaling

    assert wanted is not None
    assert free_cores(profile, resolve_target("local", None, {}), wanted, 2) == 0


def test_a_machine_that_is_too_small_says_what_is_missing() -> None:
    assert cores_short(6, 6, 2, 8) == ""
    assert cores_short(100, None, 2, 8) == ""
    assert cores_short(8, 6, 2, 8).startswith(
        "8 units need 8 cores, and of the 8 cores of this machine the load generator leaves 6"
    )


@pytest.mark.parametrize(
    ("cores", "told"),
    [
        (4, "grows searches the capacity of shop at 1, 2, 4 units, and sets 2 again afterwards."),
        (3, "grows would be INVALID: 4 units need 4 cores"),
    ],
)
def test_check_says_what_would_be_done(cores: int, told: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    steps = 'parameters.steps = [{ name = "ok", path = "/ok" }]'
    text = f"""
name = "mine"
target = "shop"
targets.shop.baseUrl = "http://127.0.0.1:9"
[benchmarks.shop.scenarios.buy]
exec = "http_steps"
executor = "constant-arrival-rate"
rate = 5
duration = "5s"
preAllocatedVUs = 2
{steps}
[benchmarks.grows]
capacity.of = "shop"
scaling = {{ run = {json.dumps(WANTED["run"])}, usual = 2, cores = {cores} }}
"""
    path.write_text(text, encoding="utf-8")

    shown = CliRunner().invoke(main, ["--state", str(tmp_path / "state"), "check", str(path)])

    assert shown.exit_code == 0, shown.output
    assert told in " ".join(shown.output.split())
