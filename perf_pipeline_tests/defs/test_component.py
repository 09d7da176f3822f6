"""The component in a Dagster project that is not ours: made by dg, checked by dg, and loaded."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import dagster as dg
import pytest

import perf_pipeline
from perf_pipeline.defs.alerts import NAME, alert_sensor, post
from perf_pipeline.defs.component import PerfPipeline
from perf_pipeline.errors import ProfileError
from perf_pipeline_tests.support.dagster.own_profiles import own_profile
from perf_pipeline_tests.support.servers.serving import QuietHandler, serving

pytestmark = pytest.mark.timeout(180)

# One interpreter for several commands: importing Dagster takes longer than any of them.
DG = """
import contextlib, io, json, sys
from dagster_dg_cli.cli import cli
for words in json.loads(sys.argv[1]):
    with contextlib.redirect_stdout(io.StringIO()) as said:
        code = cli.main(words, prog_name="dg", standalone_mode=False)
    assert not code, (words, code, said.getvalue())
    print(json.dumps(said.getvalue()))
"""
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
    webhook_variable: SHOP_ALERTS
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
    ran = subprocess.run(
        [sys.executable, "-c", DG, json.dumps([command.split() for command in commands])],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(project / "src"), "DAGSTER_HOME": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return [json.loads(said) for said in ran.stdout.splitlines()]


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


def test_a_wrong_attribute_is_told_with_its_line(project: Path) -> None:
    folder = project / "src" / "foreign" / "defs" / "speed"
    folder.mkdir()
    (folder / "defs.yaml").write_text(ATTRIBUTES.replace("owners", "owner"))

    with pytest.raises(AssertionError, match=r"defs\.yaml:7.*owner"):
        dg_commands(project, "check yaml")


def test_a_schedule_of_a_profile_that_is_not_there_is_told_with_those_that_are(
    tmp_path: Path,
) -> None:
    own_profile(tmp_path / "shop.toml")
    component = PerfPipeline.from_attributes_dict(
        attributes={
            "profiles": [str(tmp_path / "shop.toml")],
            "schedule": {"cron": "@daily", "profile": "nightly"},
        }
    )

    with pytest.raises(ProfileError, match="is 'nightly'; the profiles are shop-visits"):
        component.build_defs(dg.ComponentTree.for_test().load_context)


def test_the_package_gives_the_component_its_public_name() -> None:
    assert perf_pipeline.PerfPipeline is PerfPipeline
    assert "PerfPipeline" in dir(perf_pipeline)
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        perf_pipeline.Nothing  # noqa: B018


@dataclass(slots=True)
class Receiver:
    """Remember what was posted."""

    address: str = ""
    texts: list[str] = field(default_factory=list)


@contextlib.contextmanager
def receiving(status: int = 200) -> Iterator[Receiver]:
    """Take posts as Slack's webhooks do, and answer with a status."""
    receiver = Receiver()

    class Handler(QuietHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.texts.append(json.loads(body)["text"])
            self.send_response(status)
            self.end_headers()

    with serving(Handler) as base_url:
        receiver.address = f"{base_url}/hook"
        yield receiver


def test_a_failed_run_is_told_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    @dg.asset
    def broken() -> None:
        raise ValueError("the shop is closed")

    unresolved = dg.define_asset_job("shop_visits", [broken])
    job = dg.Definitions(assets=[broken], jobs=[unresolved]).resolve_job_def("shop_visits")
    with receiving() as receiver, dg.DagsterInstance.ephemeral() as instance:
        monkeypatch.setenv("SHOP_ALERTS", receiver.address)
        result = job.execute_in_process(instance=instance, raise_on_error=False)
        run = instance.get_run_by_id(result.run_id)
        assert run is not None
        context = dg.build_run_status_sensor_context(
            sensor_name=NAME,
            dagster_event=result.get_run_failure_event(),
            dagster_instance=instance,
            dagster_run=run,
        )
        alert_sensor([unresolved], "SHOP_ALERTS")(context.for_run_failure())

    [text] = receiver.texts
    assert text.startswith(f"shop_visits, run {result.run_id}: ")
    assert "Steps failed: ['broken']" in text


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("", "nobody was told: the variable SHOP_ALERTS is not set"),
        ("refusing", "the address in SHOP_ALERTS answered 403"),
        ("http://127.0.0.1:9/secret-hook", "the address in SHOP_ALERTS failed, ConnectError"),
    ],
    ids=["unset", "refused", "nobody listens"],
)
def test_an_alert_that_nobody_takes_is_an_error_of_the_tick(address: str, sentence: str) -> None:
    with receiving(status=403) as receiver:
        where = receiver.address if address == "refusing" else address
        with pytest.raises(dg.Failure) as caught:
            post(where, "a run failed", "SHOP_ALERTS")

    assert sentence in str(caught.value)
    assert "secret-hook" not in str(caught.value)
