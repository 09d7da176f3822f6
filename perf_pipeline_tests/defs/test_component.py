"""The component in a Dagster project that is not ours: made by dg, checked by dg, and loaded."""

import json
import os
import sys
from pathlib import Path

import dagster as dg
import pytest

import perf_pipeline
from perf_pipeline.defs.alerts import NAME
from perf_pipeline.defs.component import PerfPipeline
from perf_pipeline.defs.resources import PerfRun
from perf_pipeline.defs.settings import with_defaults
from perf_pipeline.errors import ProfileError
from perf_pipeline_tests.support.commands.forked import ran
from perf_pipeline_tests.support.dagster.own_profiles import own_profile
from perf_pipeline_tests.support.dagster.runs import IMPORTED

pytestmark = pytest.mark.timeout(180)

PYPROJECT = """
[project]
name = "foreign"
version = "0.1.0"
requires-python = ">=3.11"

[tool.dg]
directory_type = "project"

[tool.dg.project]
root_module = "foreign"
"""
DEFINITIONS = """
from pathlib import Path

import dagster as dg


@dg.asset
def orders() -> None: ...


@dg.definitions
def defs() -> dg.Definitions:
    ours = dg.load_from_defs_folder(path_within_project=Path(__file__).parent)
    return dg.Definitions.merge(ours, dg.Definitions(assets=[orders]))
"""
ATTRIBUTES = """
type: perf_pipeline.PerfPipeline

attributes:
  profiles:
    - shop.toml
  owners:
    - team:shop
  tags:
    tier: gold
  schedule:
    cron: "30 2 * * 1"
    timezone: Europe/Berlin
  alerts:
    slackEnv: SHOP_ALERTS
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Make an empty project as `dg` makes it."""
    (tmp_path / "src" / "foreign" / "defs").mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    (tmp_path / "src" / "foreign" / "__init__.py").touch()
    (tmp_path / "src" / "foreign" / "definitions.py").write_text(DEFINITIONS)
    return tmp_path


def dg_commands(project: Path, *commands: str) -> list[str]:
    """Run commands of dg in the project, one after another, and give what each of them says."""
    asked = json.dumps([command.split() for command in commands])
    module = "perf_pipeline_tests.support.dagster.dg_commands"
    done = ran(
        [sys.executable, "-P", "-m", module, asked, str(project / "src")],
        modules=IMPORTED,
        cwd=project,
        env={**os.environ, "DAGSTER_HOME": ""},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return [json.loads(said) for said in done.stdout.splitlines()]


def test_dg_scaffolds_a_graph_that_works_in_a_foreign_project(project: Path) -> None:
    _, components, checked, defined = dg_commands(
        project,
        "scaffold defs perf_pipeline.PerfPipeline speed",
        "list components --json",
        "check yaml",
        "list defs --json",
    )

    defs = json.loads(defined)
    listed = json.loads(components)["items"]
    assert "perf_pipeline.PerfPipeline" in {component["key"] for component in listed}
    assert "validated successfully" in checked
    assert {"orders", "seeded_users", "end_to_end", "report"} <= {
        asset["asset_key"] for asset in defs["assets"]
    }
    assert [job["name"] for job in defs["jobs"]] == ["quick"]


def test_the_attributes_say_profiles_schedule_owners_tags_and_alerts(project: Path) -> None:
    folder = project / "src" / "foreign" / "defs" / "speed"
    folder.mkdir()
    own_profile(folder / "shop.toml")
    (folder / "defs.yaml").write_text(ATTRIBUTES)

    _, defined = dg_commands(project, "check yaml", "list defs --json")

    defs = json.loads(defined)

    assert [job["name"] for job in defs["jobs"]] == ["shop_visits"]
    [schedule] = defs["schedules"]
    assert (schedule["name"], schedule["cron_schedule"]) == ("shop_visits_schedule", "30 2 * * 1")
    assert [sensor["name"] for sensor in defs["sensors"]] == [NAME]
    walk = next(asset for asset in defs["assets"] if asset["asset_key"] == "walk")
    assert walk["owners"] == [{"team": "shop"}]


@pytest.mark.parametrize("how", ["shop_visits", "by hand"])
def test_target_state_and_profile_reach_the_runs_of_jobs_and_those_by_hand(
    tmp_path: Path, how: str
) -> None:
    path, state = own_profile(tmp_path / "shop.toml"), tmp_path / "state"
    path.write_text(path.read_text() + '[targets.there]\nbaseUrl = "http://127.0.0.1:10"\n')
    component = PerfPipeline.from_attributes_dict(
        attributes={"profiles": [str(path)], "target": "there", "state": str(state)}
    )
    defs = component.build_defs(dg.ComponentTree.for_test().load_context)
    config = defs.resolve_job_def(how).run_config if how == "shop_visits" else None
    told = []

    @dg.asset
    def walk(perf_run: PerfRun) -> None:  # in the place of the load
        told.append((perf_run.state_folder.folder, perf_run.facts, perf_run.left_out("search")))

    with dg.DagsterInstance.ephemeral() as instance:
        dg.materialize([walk], resources=defs.resources or {}, run_config=config, instance=instance)

    [(folder, facts, left_out)] = told
    assert folder == state
    assert (facts["profile"], facts["target"]) == ("shop-visits", "there")
    assert "search is switched off in profile shop-visits" in left_out


class OwnPerfRun(PerfRun):
    """Add a setting of one's own."""

    tier: str = "silver"

    @property
    def said(self) -> str:
        """Give it as a person reads it."""
        return f"{self.tier} tier"


def test_a_resource_of_an_own_class_keeps_its_class_and_its_settings() -> None:
    made = with_defaults(OwnPerfRun(tier="gold"), usual_profile="shop")

    assert isinstance(made, OwnPerfRun)
    assert (made.said, made.usual_profile) == ("gold tier", "shop")


def test_a_wrong_attribute_is_told_with_its_line(project: Path) -> None:
    folder = project / "src" / "foreign" / "defs" / "speed"
    folder.mkdir()
    (folder / "defs.yaml").write_text(ATTRIBUTES.replace("owners", "owner"))

    with pytest.raises(AssertionError, match=r"defs\.yaml:7.*owner"):
        dg_commands(project, "check yaml")


@pytest.mark.parametrize(
    ("schedules", "told"),
    [
        ([{"profile": "nightly"}], "is 'nightly'; the profiles are shop-visits"),
        ([{}, {"profile": "shop-visits"}], "the profile shop-visits has several"),
    ],
    ids=["absent", "twice"],
)
def test_a_schedule_that_no_profile_can_have_is_told(
    tmp_path: Path, schedules: list[dict[str, str]], told: str
) -> None:
    own_profile(tmp_path / "shop.toml")
    component = PerfPipeline.from_attributes_dict(
        attributes={
            "profiles": [str(tmp_path / "shop.toml")],
            "schedules": [{"cron": "@daily", **schedule} for schedule in schedules],
        }
    )

    with pytest.raises(ProfileError, match=told):
        component.build_defs(dg.ComponentTree.for_test().load_context)


def test_each_profile_has_a_schedule_in_its_own_time_zone(tmp_path: Path) -> None:
    first, second = own_profile(tmp_path / "shop.toml"), own_profile(tmp_path / "bank.toml")
    second.write_text(second.read_text().replace("shop-visits", "bank"))
    component = PerfPipeline.from_attributes_dict(
        attributes={
            "profiles": [str(first), str(second)],
            "schedules": [
                {"cron": "@daily", "profile": "bank", "timezone": "America/Lima"},
                {"cron": "30 2 * * 1", "profile": "shop-visits", "timezone": "Europe/Berlin"},
            ],
        }
    )

    found = component.build_defs(dg.ComponentTree.for_test().load_context).schedules or ()

    zones = {
        schedule.name: schedule.execution_timezone
        for schedule in found
        if isinstance(schedule, dg.ScheduleDefinition)
    }
    assert zones == {"bank_schedule": "America/Lima", "shop_visits_schedule": "Europe/Berlin"}


def test_the_package_gives_the_component_its_public_name() -> None:
    assert perf_pipeline.PerfPipeline is PerfPipeline
    assert "PerfPipeline" in dir(perf_pipeline)
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        perf_pipeline.Nothing  # noqa: B018


def test_wrong_alerts_of_the_component_are_told_before_anything_starts(tmp_path: Path) -> None:
    own_profile(tmp_path / "shop.toml")
    component = PerfPipeline.from_attributes_dict(
        attributes={
            "profiles": [str(tmp_path / "shop.toml")],
            "alerts": {"url": {"addressEnv": "HOOK", "body": "${secret}"}},
        }
    )

    with pytest.raises(ProfileError, match="alerts of the component has 1 mistake") as caught:
        component.build_defs(dg.ComponentTree.for_test().load_context)

    assert "names ${secret}; a template may name outcome, sentence" in str(caught.value)
