"""A new version of the target starts one run, whose key it is; what can't be asked starts none."""

import json
import sys
from pathlib import Path

import dagster as dg

from perf_pipeline.config.given_profiles import given_profiles
from perf_pipeline.definitions import build_defs
from perf_pipeline.defs.versions import asked
from perf_pipeline_tests.support.dagster.own_profiles import own_profile

VERSION = """
[targets.here.version]
command = {command}
"""


def profile_with(folder: Path, *command: str) -> Path:
    """Write a profile whose target tells its version by a command."""
    path = folder / "shop.toml"
    own_profile(path)
    path.write_text(path.read_text() + VERSION.format(command=json.dumps(command)))
    return path


def test_a_version_is_the_key_of_the_run_that_it_starts(tmp_path: Path) -> None:
    (tmp_path / "version").write_text("v1.5.0\n")
    path = profile_with(tmp_path, sys.executable, "-c", "print(open('version').read())")
    [given] = given_profiles([path])

    first = asked(given.profile)
    (tmp_path / "version").write_text("v1.6.0\n")
    second = asked(given.profile)

    assert isinstance(first, dg.SensorResult)
    assert isinstance(second, dg.SensorResult)
    keys = [request.run_key for result in (first, second) for request in result.run_requests or ()]
    assert keys == ["v1.5.0", "v1.6.0"]


def test_a_version_that_is_not_told_starts_nothing_and_says_why(tmp_path: Path) -> None:
    [given] = given_profiles([profile_with(tmp_path, sys.executable, "-c", "raise SystemExit(3)")])

    said = asked(given.profile)

    assert isinstance(said, dg.SkipReason)
    assert "ended with exit code 3" in str(said.skip_message)


def test_there_is_a_sensor_that_is_off_where_the_target_tells_its_version(tmp_path: Path) -> None:
    path = profile_with(tmp_path, "git", "describe")

    sensors = list(build_defs([path]).sensors or ())

    assert [sensor.name for sensor in sensors] == ["shop_visits_new_version"]
    assert isinstance(sensors[0], dg.SensorDefinition)
    assert sensors[0].default_status is dg.DefaultSensorStatus.STOPPED
    assert not build_defs(["quick"]).sensors
