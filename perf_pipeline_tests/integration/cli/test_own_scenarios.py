"""Own scenarios against a target of one's own, from the command line to every report."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from perf_pipeline_tests.support.commands.command_line import Answer, CommandLine, left_running
from perf_pipeline_tests.support.places import new_state
from perf_pipeline_tests.support.servers.shop_server import running_shop

PROFILE = """
name = "shop"
workers = 2
calibration = false
seeding.users = 10

[benchmarks.checkout.scenarios.steps]
exec = "http_steps"
executor = "shared-iterations"
vus = 4
iterations = 40

[benchmarks.checkout.scenarios.steps.parameters]
auth = { bearerEnv = "SHOP_TOKEN" }
data.people = { csv = "people.csv", pick = "sequential" }

[[benchmarks.checkout.scenarios.steps.parameters.steps]]
name = "login"
group = "session"
method = "POST"
path = "/login"
save = { id = "$.user.id" }

[[benchmarks.checkout.scenarios.steps.parameters.steps]]
name = "buy"
method = "POST"
path = "/echo/${id}"
json = { who = "${data.people.name}", password = "${env.SHOP_PASSWORD}" }
expect = { status = 200, json = { "$.headers.authorization" = "exists", "$.path" = "/echo/8" } }

[benchmarks.checkout.scenarios.alone]
exec = "http_steps"
executor = "per-vu-iterations"
vus = 1
iterations = 3

[benchmarks.checkout.scenarios.alone.parameters]
data.people = { values = ["Ada", "Grace", "Marie"], pick = "sequential" }

[[benchmarks.checkout.scenarios.alone.parameters.steps]]
name = "greet"
path = "/echo/${data.people.value}"
expect = { json = { "$.path" = "/echo/Grace" } }

[benchmarks.checkout.scenarios.python]
exec = "shop.flows:Browser"
executor = "per-vu-iterations"
vus = 3
iterations = 5

[benchmarks.checkout.scenarios.python.parameters]
secrets = ["SHOP_PASSWORD"]

[benchmarks.checkout.thresholds]
"http_reqs{operation:session::login}" = ["count==40"]
"http_reqs{operation:browse}" = ["count==15"]
"checks{check:is let in}" = ["rate==1"]
"checks{check:$.path is /echo/8}" = ["rate==0"]
"checks{check:$.path is /echo/Grace}" = ["rate>0"]
http_req_failed = ["rate==0"]
"""
FLOWS = """
class Browser:
    checks = ("is let in",)

    async def __call__(self, vu):
        answer = await vu.client.post(
            "/echo", json={"password": vu.secrets["SHOP_PASSWORD"]}, extensions={"name": "browse"}
        )
        vu.check("is let in", answer.is_success)
"""
TOKEN, PASSWORD = "t0ken-of-the-shop", "passw0rd-of-the-shop"
COUNTS = {
    ("steps", "session::login", "saved id"): (40, 0),
    ("steps", "buy", "status is 200"): (40, 0),
    ("steps", "buy", "$.headers.authorization exists"): (40, 0),
    # wrong on purpose: the shop's id is 7
    ("steps", "buy", "$.path is /echo/8"): (0, 40),
    # one VU reads every row, whatever the number of workers: Ada, Grace, Marie
    ("alone", "greet", "$.path is /echo/Grace"): (1, 2),
    ("python", "browse", "is let in"): (15, 0),
}


@pytest.fixture(scope="module")
def shop() -> Iterator[str]:
    with running_shop() as port:
        yield f"http://127.0.0.1:{port}"


def written(folder: Path) -> Path:
    """Write the profile, with what it needs beside it."""
    (folder / "shop").mkdir()
    (folder / "shop" / "flows.py").write_text(FLOWS, encoding="utf-8")
    (folder / "people.csv").write_text("name\nAda\nGrace\nMarie\n", encoding="utf-8")
    path = folder / "shop.toml"
    path.write_text(PROFILE, encoding="utf-8")
    return path


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    return written(tmp_path)


@pytest.fixture
def command(tmp_path: Path, shop: str) -> CommandLine:
    """Give the command line with a fresh state folder and the shop as its target."""
    return CommandLine(new_state(tmp_path / "state"), {"PERF_BASE_URL": shop})


class Ran(NamedTuple):
    """Hold the run of the profile."""

    command: CommandLine
    answer: Answer


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory, shop: str) -> Ran:
    folder = tmp_path_factory.mktemp("own")
    command = CommandLine(new_state(folder / "state"), {"PERF_BASE_URL": shop})
    profile = str(written(folder))
    answer = command("run", "--profile", profile, SHOP_TOKEN=TOKEN, SHOP_PASSWORD=PASSWORD)
    return Ran(command, answer)


@pytest.mark.timeout(180)
def test_steps_and_python_run_side_by_side_and_are_in_every_report(ran: Ran) -> None:
    command, answer = ran
    counts = {
        (scenario, operation, check): (passes, fails)
        for scenario, operation, check, passes, fails in command.sql(
            "select scenario, operation, check_name, passes, fails from checks"
        )
    }
    assert counts == COUNTS, answer.err
    assert command.value("select count(*) from verdicts") == 7  # six, and that it answered
    assert command.passes_unless_held_up(answer.run_id), answer.out
    reports = command.state / "reports" / answer.run_id
    for name in ("report.md", "report.html", "summary.json", "junit.xml"):
        text = (reports / name).read_text(encoding="utf-8")
        assert "checkout" in text, name
        assert "session::login" in text or "session__login" in text, name
    summary = json.loads((reports / "summary.json").read_text(encoding="utf-8"))
    assert "is let in" in json.dumps(summary)
    assert not left_running(command.state)


@pytest.mark.timeout(180)
def test_secrets_of_the_environment_are_in_no_file_that_a_run_leaves(ran: Ran) -> None:
    command, answer = ran
    files = [
        path for path in command.state.rglob("*") if path.is_file() and "cache" not in path.parts
    ]
    assert any(path.name == "history.duckdb" for path in files)
    for path in files:
        content = path.read_bytes()
        assert TOKEN.encode() not in content, path
        assert PASSWORD.encode() not in content, path
    assert TOKEN not in answer.out + answer.err


def test_what_is_missing_is_told_before_the_load_all_at_once(
    command: CommandLine, profile: Path
) -> None:
    (profile.parent / "people.csv").unlink()
    (profile.parent / "shop" / "flows.py").write_text("def Browser(vu): ...", encoding="utf-8")

    answer = command.here("run", "--profile", str(profile), SHOP_TOKEN=TOKEN)

    assert answer.code == 104
    for sentence in (
        "profile",
        "has 4 mistakes; nothing was sent",
        "scenarios.steps.parameters: the environment variable SHOP_PASSWORD is not set",
        "scenarios.python.parameters: the environment variable SHOP_PASSWORD is not set",
        "scenarios.steps.parameters.data.people: people.csv can't be read",
        "scenarios.python.exec: Browser in flows.py is not an async function",
    ):
        assert sentence in answer.err


def test_code_that_fails_at_its_import_is_told_and_no_load_is_sent(
    command: CommandLine, profile: Path
) -> None:
    (profile.parent / "shop" / "flows.py").write_text(
        "import absent_package\nclass Browser: ...", encoding="utf-8"
    )

    answer = command("run", "--profile", str(profile), SHOP_TOKEN=TOKEN, SHOP_PASSWORD=PASSWORD)

    assert answer.code == 104
    assert "'shop.flows:Browser', which can't be imported: ModuleNotFoundError" in answer.err
    assert "absent_package" in answer.err
