"""A scenario's own `env` and `tags`, from the profile to requests and verdicts."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from perf_pipeline.config.loading import load_profile
from perf_pipeline.judging.judge import judge_run
from perf_pipeline.metrics.threshold import Status, Verdict
from perf_pipeline.store.state import State
from perf_pipeline_tests.support.commands.command_line import Answer, CommandLine, left_running
from perf_pipeline_tests.support.places import new_state
from perf_pipeline_tests.support.servers.shop_server import running_shop

PROFILE = """
name = "keys"
workers = 1
calibration = false
seeding.users = 10

[benchmarks.places.scenarios.berlin]
exec = "http_steps"
executor = "per-vu-iterations"
vus = 2
iterations = 3
env = { PLACE = "berlin", WORD = "a b" }
tags = { team = "north" }

[[benchmarks.places.scenarios.berlin.parameters.steps]]
name = "ask"
method = "POST"
path = "/echo/${env.PLACE}"
query = { q = "${env.WORD}" }
json = { machine = "${env.MACHINE}" }
expect.json = { "$.path" = "/echo/berlin", "$.query[0][1]" = "${env.WORD}" }

[benchmarks.places.scenarios.paris]
exec = "flows:Visit"
executor = "shared-iterations"
vus = 1
iterations = 4
env = { PLACE = "paris" }
tags = { team = "south", tier = "gold" }

[benchmarks.places.scenarios.rome]
exec = "http_steps"
executor = "shared-iterations"
vus = 1
iterations = 5
tags = { team = "south" }

[[benchmarks.places.scenarios.rome.parameters.steps]]
name = "read"
method = "POST"
path = "/echo/rome"
body = "${env.PLACE}"
expect.json = { "$.body" = "of the machine" }

[benchmarks.places.thresholds]
checks = ["rate==1"]
"http_reqs{team:north}" = ["count==6"]
"http_reqs{team:south}" = ["count==9"]
"http_reqs{team:south,operation:read}" = ["count==5"]
"iterations{tier:gold}" = ["count==4"]
"""
FLOWS = """
class Visit:
    checks = ("own env only",)

    async def __call__(self, vu):
        path = f"/echo/{vu.env['PLACE']}"
        answer = await vu.client.get(path, extensions={"name": "visit"})
        ok = answer.json()["path"] == "/echo/paris" and dict(vu.env) == {"PLACE": "paris"}
        vu.check("own env only", ok)
"""
# Checks of six, four and five iterations; the steps of the first have two each.
COUNTS = {
    ("berlin", "$.path is /echo/berlin"): (6, 0),
    ("berlin", "$.query[0][1] is ${env.WORD}"): (6, 0),
    ("paris", "own env only"): (4, 0),
    ("rome", "$.body is of the machine"): (5, 0),
}
# Requests and iterations: one request in each.
FIGURES = {
    "": 1.0,
    "team:north": 6.0,
    "team:south": 9.0,
    "operation:read,team:south": 5.0,
    "tier:gold": 4.0,
}
MACHINE = {"PLACE": "of the machine", "MACHINE": "m"}


@pytest.fixture(scope="module")
def shop() -> Iterator[str]:
    with running_shop() as port:
        yield f"http://127.0.0.1:{port}"


def written(folder: Path) -> Path:
    """Write the profile, with its Python code beside it."""
    (folder / "flows.py").write_text(FLOWS, encoding="utf-8")
    path = folder / "keys.toml"
    path.write_text(PROFILE, encoding="utf-8")
    return path


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    return written(tmp_path)


@pytest.fixture
def command(tmp_path: Path, shop: str) -> CommandLine:
    """Give the command line with a fresh state folder and the shop as its target."""
    return CommandLine(new_state(tmp_path / "state"), {"PERF_BASE_URL": shop, **MACHINE})


class Ran(NamedTuple):
    """Hold a run whose profile's file and code have gone since."""

    command: CommandLine
    answer: Answer


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory, shop: str) -> Ran:
    """Run the profile once, and keep nothing of it but what the run has stored."""
    folder = tmp_path_factory.mktemp("keys")
    command = CommandLine(new_state(folder / "state"), {"PERF_BASE_URL": shop, **MACHINE})
    files = folder / "files"
    files.mkdir()
    answer = command("run", "--profile", str(written(files)))
    shutil.rmtree(files)
    return Ran(command, answer)


@pytest.mark.timeout(180)
def test_a_scenarios_env_goes_before_the_machines_and_is_its_own(ran: Ran) -> None:
    command, answer = ran
    counts = {
        (scenario, check): (passes, fails)
        for scenario, check, passes, fails in command.sql(
            "select scenario, check_name, passes, fails from checks"
        )
    }
    assert counts == COUNTS, answer.err
    assert answer.code == command.code_of(answer.run_id), answer.err
    assert not left_running(command.state)


def test_a_value_of_env_that_is_no_text_is_refused_before_the_load(
    command: CommandLine, profile: Path
) -> None:
    text = profile.read_text(encoding="utf-8")
    profile.write_text(text.replace('"paris"', "75"), encoding="utf-8")

    answer = command.here("run", "--profile", str(profile))

    assert answer.code == 104
    assert (
        "benchmarks.places.scenarios.paris.env.PLACE is 75; it must be a text in quotes"
    ) in answer.err


@pytest.mark.timeout(180)
def test_a_threshold_filters_by_tags_also_when_a_stored_run_is_judged_again(
    ran: Ran, profile: Path
) -> None:
    command, answer = ran
    assert figures(command) == FIGURES, answer.err

    # Its profile's text is all that is left of the profile.
    assert command.here("judge").code == answer.code
    assert figures(command) == FIGURES

    moved = PROFILE.replace('"north"', '"south"')
    moved = moved.replace('"http_reqs{team:north}" = ["count==6"]', "")
    profile.write_text(moved, encoding="utf-8")
    what_if = judged(command, answer.run_id, profile)
    assert {verdict.threshold.key: verdict.observed for verdict in what_if}[
        "http_reqs{team:south}"
    ] == 6 + 9


@pytest.mark.timeout(180)
def test_a_filter_that_means_a_scenario_that_was_not_run_passes_nothing(
    ran: Ran, profile: Path
) -> None:
    command, answer = ran
    more = PROFILE.partition("[benchmarks.places.thresholds]")[0]
    oslo = more.partition("[benchmarks.places.scenarios.rome]")[2].replace("rome", "oslo")
    wider = f"{more}[benchmarks.places.scenarios.oslo]{oslo}{OF_OSLO}"
    profile.write_text(wider, encoding="utf-8")

    *partial, empty, failed, answered = judged(command, answer.run_id, profile)

    why = "the filter names oslo, which this run does not have"
    assert [(verdict.status, verdict.observed, verdict.reason) for verdict in partial] == [
        (Status.NO_DATA, 9, why),
        (Status.NO_DATA, 9, why),
    ]
    assert (empty.status, empty.observed, empty.reason) == (Status.NO_DATA, None, why)
    assert (answered.threshold.metric, answered.status) == ("target_answered", Status.PASS)
    # What went wrong in a part did go wrong.
    assert (failed.status, failed.observed) == (Status.FAIL, 9)


def test_a_tag_that_no_scenario_has_is_refused_before_the_load(
    command: CommandLine, profile: Path
) -> None:
    text = profile.read_text(encoding="utf-8")
    profile.write_text(text.replace("{team:north}", "{team:nroth}"), encoding="utf-8")

    answer = command.here("run", "--profile", str(profile))

    assert answer.code == 104
    assert "no scenario has team:nroth; there are team:north, team:south, tier:gold" in answer.err
    assert not (command.state / "spool").exists()


# Of the south paris and rome were run, with 4 and 5 requests. The first holds, the second is an aim
# that is missed, the third is about nothing that was run, the fourth fails.
OF_OSLO = """
[benchmarks.places.thresholds]
"http_reqs{team:south}" = ["count==9", { threshold = "count>=14", severity = "warn" }]
"http_reqs{scenario:oslo}" = [{ threshold = "count>=5", severity = "warn" }]
"http_reqs{team:south,status:200}" = ["count<9"]
"""


def figures(command: CommandLine) -> dict[str, float]:
    """Give what was observed, by tag filter."""
    return dict(command.sql("select tags, observed from verdicts"))


def judged(command: CommandLine, run_id: str, profile: Path) -> list[Verdict]:
    """Judge a stored run by another profile."""
    by = load_profile(str(profile), environment=MACHINE)
    return judge_run(State(command.state), run_id, profile=by)["places"]
