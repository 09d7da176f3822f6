"""The key `scaling`: what it may say, what is told before any load, and when it is INVALID."""

import json
from pathlib import Path
from typing import Any, get_args

import pytest
from click import Choice
from click.testing import CliRunner

from perf_pipeline.cli.main import main
from perf_pipeline.cli.scaling import scaling as scaling_command
from perf_pipeline.config.loading import validate_profile
from perf_pipeline.config.profile import Profile
from perf_pipeline.config.scaling import ScaledPart
from perf_pipeline.config.target import resolve_target
from perf_pipeline.errors import ProfileError
from perf_pipeline.judging.series import series_of
from perf_pipeline.loading.scaled_parts import require_scaled_parts, usual_units, with_units
from perf_pipeline.plan.scaling import busy_units, cores_short, free_cores

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
    assert wanted.usual == 2
    assert (wanted.command(4), wanted.command(2)) == ("scale api=4", "scale api=2")


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

    assert "and usual, how many there are otherwise" in mistake(document)


def ours(part: str = "worker", **scaling: Any) -> dict[str, Any]:
    """Make a raw profile whose benchmark `grows` scales a part of the reference system."""
    document = raw()
    document["benchmarks"]["grows"]["scaling"] = {"part": part, **scaling}
    del document["target"], document["targets"]
    return document


@pytest.mark.parametrize(
    ("scaling", "told"),
    [
        ({"usual": 2}, "leave run and usual out, or part for a system of your own"),
        ({"run": "scale {n}"}, "leave run and usual out, or part for a system of your own"),
        ({"units": [1, 65]}, "the reference system has at most 64 of a part"),
    ],
)
def test_a_part_of_the_reference_system_needs_no_command(
    scaling: dict[str, Any], told: str
) -> None:
    assert told in mistake(ours(**scaling))


def test_what_is_scaled_has_to_be_said() -> None:
    document = ours()
    document["benchmarks"]["grows"]["scaling"] = {"units": [1, 2]}

    assert "write run, the command that sets the number of units, and usual" in mistake(document)


@pytest.mark.parametrize(
    ("part", "usual", "busy", "processes"),
    # The profile says 3 API processes and 2 workers; the topic has 6 partitions. Eight partitions
    # keep two workers busy, and no process is added for them.
    [("api", 3, 8, (8, 2)), ("worker", 2, 8, (3, 8)), ("partitions", 6, 2, (3, 2))],
)
def test_a_part_has_its_usual_number_from_the_profile(
    part: str, usual: int, busy: int, processes: tuple[int, int]
) -> None:
    profile = checked({**ours(part, units=[1, 8]), "apiProcesses": 3, "workerProcesses": 2})
    wanted = profile.benchmarks["grows"].scaling

    assert wanted is not None
    assert usual_units(profile, wanted) == usual
    assert busy_units(profile, wanted) == busy
    loaded = with_units(profile, wanted, 8)
    assert (loaded.api_processes, loaded.worker_processes) == processes


@pytest.mark.parametrize(
    ("part", "environment", "told"),
    [
        ("worker", {"PERF_BASE_URL": "http://127.0.0.1:9"}, "this run does not start the refer"),
        ("partitions", {"PERF_KAFKA_BROKERS": "127.0.0.1:9"}, "the broker is a given one"),
    ],
)
def test_parts_that_a_run_does_not_start_are_refused(
    part: str, environment: dict[str, str], told: str
) -> None:
    profile = checked(ours(part))
    target = resolve_target("local", None, environment)

    with pytest.raises(ProfileError) as refused:
        require_scaled_parts(profile, ["grows"], target)
    assert told in refused.value.problems[0]
    require_scaled_parts(profile, ["grows"], resolve_target("local", None, {}))


def test_the_command_line_knows_the_same_parts() -> None:
    [option] = [its for its in scaling_command.params if its.name == "part"]

    assert isinstance(option.type, Choice)
    assert tuple(option.type.choices) == get_args(ScaledPart)


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
        "8 units need 8 cores, and of the 8 cores that may be used here the load generator leaves 6"
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
