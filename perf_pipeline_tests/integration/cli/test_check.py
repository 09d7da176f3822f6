"""`check` shows the plan of a profile and sends nothing; `doctor --profile` asks its own target."""

from pathlib import Path

import pytest

from perf_pipeline_tests.support.commands.command_line import CommandLine
from perf_pipeline_tests.support.places import new_state
from perf_pipeline_tests.support.servers.stranger_server import running_stranger

PROFILE = """
name = "shop"
target = "shop"
[targets.shop]
baseUrl = "{base_url}"
{more}
[benchmarks.visits.scenarios.visitors]
exec = "http_steps"
executor = "constant-arrival-rate"
rate = 10
duration = "4s"
preAllocatedVUs = 5
[[benchmarks.visits.scenarios.visitors.parameters.steps]]
name = "look"
path = "/orders"
"""
SEEDED = 'benchmarks.visits.scenarios.visitors.parameters.data={users={seeded="reads"}}'


BANK = """
name = "bank"
target = "bank"
[targets.bank]
postgresDsnEnv = "NO_SUCH_DSN"
[benchmarks.looks.scenarios.readers]
exec = "sql"
executor = "constant-vus"
vus = 1
duration = "1s"
parameters = { statements = [{ name = "one", sql = "select 1" }] }
"""


@pytest.fixture
def command(tmp_path: Path) -> CommandLine:
    return CommandLine(new_state(tmp_path / "state"))


def write(folder: Path, base_url: str, more: str = "") -> str:
    path = folder / "shop.toml"
    path.write_text(PROFILE.format(base_url=base_url, more=more), encoding="utf-8")
    return str(path)


def test_the_plan_is_shown_and_nothing_is_sent(command: CommandLine, tmp_path: Path) -> None:
    with running_stranger() as stranger:
        path = write(tmp_path, stranger.base_url)

        told = command.here("check", path)

        assert not stranger.asked
    assert told.code == 0, told.err
    assert told.out.startswith(f"{path} is right; nothing was sent.\nIt loads shop: api http://127")
    assert "In total: 41 requests in 41 iterations." in told.out


def test_every_mistake_is_told_as_a_run_would(command: CommandLine, tmp_path: Path) -> None:
    path = write(tmp_path, "http://192.0.2.1")

    refused = command.here("check", path)
    wrong = command.here("check", path, "--set", "benchmarks.visits.scenarios.visitors.rate=-5")

    assert (refused.code, wrong.code) == (104, 104)
    assert "192.0.2.1 (baseUrl) is neither this machine nor an allowed host" in refused.err
    assert "rate is -5" in wrong.err


def test_a_part_that_the_target_has_not_is_told(command: CommandLine, tmp_path: Path) -> None:
    told = command.here("check", write(tmp_path, "http://127.0.0.1:1"), "--set", SEEDED)

    assert told.code == 0, told.err
    assert (
        "!! visits needs PostgreSQL, and target shop names none; set the environment variable "
        "PERF_POSTGRES_DSN\n"
    ) in told.out


def test_a_target_without_an_address_is_told_as_that(command: CommandLine, tmp_path: Path) -> None:
    path = tmp_path / "bank.toml"
    path.write_text(BANK, encoding="utf-8")

    told = command.here("check", str(path))

    assert told.code == 0, told.err
    assert "\nIt loads bank, whose address is not known yet.\n" in told.out
    assert "set the environment variable NO_SUCH_DSN\n" in told.out


def test_the_doctor_asks_the_target_of_a_profile(command: CommandLine, tmp_path: Path) -> None:
    with running_stranger() as stranger:
        well = command.here("doctor", "--profile", write(tmp_path, stranger.base_url))
        ready = 'healthPath = "/missing"'
        ill = command.here("doctor", "--profile", write(tmp_path, stranger.base_url, ready))

        assert f"ok api: given, answers at {stranger.base_url}\n" in well.out
        assert f"!! api: GET {stranger.base_url}/missing answered 404" in ill.out
    assert (well.code, ill.code) == (0, 97), well.out
    assert "kafka:" not in well.out
    assert "`perf-pipeline doctor`" not in ill.out
