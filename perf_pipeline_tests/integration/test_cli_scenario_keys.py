"""A scenario's own `env`, from the profile to the requests that it makes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from perf_pipeline_tests.integration.own_shop_server import running_shop
from perf_pipeline_tests.integration.runs_command import CommandLine, left_running, new_state

PROFILE = """
name = "keys"
workers = 1
seeding.users = 10

[benchmarks.places.scenarios.berlin]
exec = "http_steps"
executor = "per-vu-iterations"
vus = 2
iterations = 3
env = { PLACE = "berlin", WORD = "a b" }

[[benchmarks.places.scenarios.berlin.parameters.steps]]
name = "ask"
method = "POST"
path = "/echo/${env.PLACE}"
query = { q = "${env.WORD}" }
json = { machine = "${env.MACHINE}" }
expect.json = { "$.path" = "/echo/${env.PLACE}", "$.query[0][1]" = "a b" }

[benchmarks.places.scenarios.paris]
exec = "flows:Visit"
executor = "shared-iterations"
vus = 1
iterations = 4
env = { PLACE = "paris" }

[benchmarks.places.scenarios.rome]
exec = "http_steps"
executor = "shared-iterations"
vus = 1
iterations = 5

[[benchmarks.places.scenarios.rome.parameters.steps]]
name = "read"
method = "POST"
path = "/echo/rome"
body = "${env.PLACE}"
expect.json = { "$.body" = "of the machine" }

[benchmarks.places.thresholds]
checks = ["rate==1"]
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
    ("berlin", "$.path is /echo/${env.PLACE}"): (6, 0),
    ("berlin", "$.query[0][1] is a b"): (6, 0),
    ("paris", "own env only"): (4, 0),
    ("rome", "$.body is of the machine"): (5, 0),
}


@pytest.fixture(scope="module")
def shop() -> Iterator[str]:
    with running_shop() as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    """Write the profile, with its Python code beside it."""
    (tmp_path / "flows.py").write_text(FLOWS, encoding="utf-8")
    path = tmp_path / "keys.toml"
    path.write_text(PROFILE, encoding="utf-8")
    return path


@pytest.fixture
def command(tmp_path: Path, shop: str) -> CommandLine:
    """Give the command line with a fresh state folder and the shop as its target."""
    return CommandLine(new_state(tmp_path / "state"), {"PERF_BASE_URL": shop})


@pytest.mark.timeout(90)
def test_a_scenarios_env_goes_before_the_machines_and_is_its_own(
    command: CommandLine, profile: Path
) -> None:
    answer = command("run", "--profile", str(profile), PLACE="of the machine", MACHINE="m")

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

    answer = command("run", "--profile", str(profile), PLACE="p", MACHINE="m")

    assert answer.code == 104
    assert "benchmarks.places.scenarios.paris.env.PLACE is 75; a text is needed" in answer.err
