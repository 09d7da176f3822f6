"""A stranger's system of one part: nothing else is started, seeded or asked for."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from perf_pipeline_tests.support.commands.command_line import CommandLine, left_running
from perf_pipeline_tests.support.places import new_state
from perf_pipeline_tests.support.servers.stranger_server import Stranger, running_stranger

ORDERS: Final = """
name = "orders"
workers = 1
calibration = false
target = "shop"
{extends}
[targets.shop]
{target}
[benchmarks.orders.scenarios.look]
exec = "http_steps"
executor = "shared-iterations"
vus = 2
iterations = 20
[[benchmarks.orders.scenarios.look.parameters.steps]]
name = "list"
path = "/orders"
[benchmarks.orders.thresholds]
http_req_failed = ["rate==0"]
http_reqs = ["count==20"]
"""
STARTED: Final = ("starting PostgreSQL", "starting Kafka", "starting the reference", "seeding 20")


@pytest.fixture
def stranger() -> Iterator[Stranger]:
    with running_stranger() as server:
        yield server


@pytest.fixture
def command(tmp_path: Path) -> CommandLine:
    return CommandLine(new_state(tmp_path / "state"))


def written(folder: Path, stranger: Stranger, *, target: str = "", extends: str = "") -> str:
    path = folder / "orders.toml"
    base_url = f'baseUrl = "{stranger.base_url}"\n'
    path.write_text(ORDERS.format(target=base_url + target, extends=extends), encoding="utf-8")
    return str(path)


def nothing_was_started(command: CommandLine, err: str) -> bool:
    return not any(text in err for text in STARTED) and not left_running(command.state)


@pytest.mark.timeout(120)
def test_an_api_without_health_gets_the_requests_of_its_own_benchmark_and_no_other(
    command: CommandLine, tmp_path: Path, stranger: Stranger
) -> None:
    """On `quick` as well; a profile that stands alone is that of the last test."""
    profile = written(tmp_path, stranger, extends='extends = "quick"')
    answer = command("run", "--profile", profile)

    assert answer.code == command.code_of(answer.run_id), answer.err + answer.out
    assert set(stranger.asked) == {"GET /orders"}
    assert stranger.asked["GET /orders"] == 20
    assert command.value("select planned from runs") == ["orders"]
    assert nothing_was_started(command, answer.err)


@pytest.mark.timeout(120)
def test_what_is_not_there_is_without_data_and_the_others_run(
    command: CommandLine, tmp_path: Path, stranger: Stranger
) -> None:
    """The database and the queue are asked for, and the target has neither."""
    path = Path(written(tmp_path, stranger, extends='extends = "quick"'))
    more = "[benchmarks.database_benchmark]\nenabled = true\n[benchmarks.queue_produce]\n"
    path.write_text(path.read_text(encoding="utf-8") + more, encoding="utf-8")

    answer = command("run", "--profile", str(path))

    assert answer.code == 97, answer.err + answer.out
    told = " ".join(answer.out.split())
    assert "target shop has no PostgreSQL" in told
    assert "target shop has no Kafka brokers" in told
    assert "PERF_POSTGRES_DSN" in told
    statuses = dict(command.sql("select benchmark, list(distinct status) from verdicts group by 1"))
    assert statuses["database_benchmark"] == statuses["queue_produce"] == ["NO_DATA"]
    assert set(statuses["orders"]) <= {"PASS", "INVALID"}
    assert set(stranger.asked) == {"GET /orders"}
    assert nothing_was_started(command, answer.err)
    again = command.here("judge", answer.run_id)
    assert again.code == 97
    for name in ("report.md", "report.html", "junit.xml", "summary.json"):
        text = (command.state / "reports" / answer.run_id / name).read_text(encoding="utf-8")
        assert "target shop has no PostgreSQL" in text, name


@pytest.mark.timeout(60)
def test_where_nothing_is_there_the_run_ends_with_the_first_reason(
    command: CommandLine, tmp_path: Path, stranger: Stranger
) -> None:
    answer = command(
        "run",
        "--profile",
        written(tmp_path, stranger),
        "--set",
        "targets.shop.baseUrl='http://127.0.0.1:9'",
    )

    assert answer.code == 97
    assert "http://127.0.0.1:9 accepts no connection: " in answer.err
    assert not (command.state / "spool").exists()


def test_health_keys_that_contradict_each_other_are_refused(
    command: CommandLine, tmp_path: Path, stranger: Stranger
) -> None:
    target = 'healthCheck = "tcp"\nhealthPath = "/ready"'
    answer = command.here("run", "--profile", written(tmp_path, stranger, target=target))

    assert answer.code == 104
    assert 'healthPath is only for healthCheck = "http"' in answer.err


BROKEN: Final = """
[benchmarks.sign_in.scenarios.look]
exec = "http_steps"
executor = "shared-iterations"
vus = 1
iterations = 5
[[benchmarks.sign_in.scenarios.look.parameters.steps]]
name = "login"
group = "auth"
path = "/private"
[benchmarks.code.scenarios.look]
exec = "flows:broken"
executor = "shared-iterations"
vus = 1
iterations = 3
"""


@pytest.mark.timeout(120)
def test_a_status_and_an_exception_are_told_as_what_they_are_in_every_report(
    command: CommandLine, tmp_path: Path, stranger: Stranger
) -> None:
    """A target that answers 403 is there, and a mistake in Python is not its doing."""
    path = Path(written(tmp_path, stranger))
    path.write_text(path.read_text(encoding="utf-8") + BROKEN, encoding="utf-8")
    flows = "async def broken(vu):\n    price = 1 / 0\n"
    (tmp_path / "flows.py").write_text(flows, encoding="utf-8")

    answer = command("run", "--profile", str(path))

    assert answer.code == 99, answer.err + answer.out
    assert stranger.asked == {"GET /orders": 20, "GET /private": 5}
    assert command.value("select planned from runs") == ["orders", "sign_in", "code"]
    assert command.passes_unless_held_up(answer.run_id, "orders"), answer.out
    assert nothing_was_started(command, answer.err)
    log = command.state / "spool" / answer.run_id / "code" / "worker-0.log"
    assert "price = 1 / 0" in log.read_text(encoding="utf-8")
    reports = command.state / "reports" / answer.run_id
    texts = [
        (reports / name).read_text("utf-8") for name in ("report.md", "report.html", "junit.xml")
    ]
    for text in (" ".join(answer.out.split()), *texts):
        assert "403 on auth::login, 100 %" in text
        assert "gone" not in text
        assert "ZeroDivisionError: division by zero at flows.py:2 in broken" in text
        assert log.name in text
