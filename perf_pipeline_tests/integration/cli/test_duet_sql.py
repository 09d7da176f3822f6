"""Two databases compared by the command line: one server, and a difference that is planted.

A machine with much else to do may hold the generator up; then only what is worse is told.
Add here: another thing about sides that are databases. Keep out: sides that are APIs
(test_duet.py).
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from perf_pipeline_tests.support.commands.command_line import CommandLine
from perf_pipeline_tests.support.loads.own_database import own_database
from perf_pipeline_tests.support.places import new_state

_SHORT: Final = ("--within", "7s", "--warm-up", "1s")
_ASLEEP_MS: Final = (10, 30)  # what `look` takes on each side; `list` takes 10 ms on both
_PROFILE: Final = """
name = "ledger"
workers = 1
[benchmarks.reads.scenarios.both]
exec = "sql"
executor = "constant-arrival-rate"
rate = 40
duration = "10s"
preAllocatedVUs = 10
gracefulStop = "1s"
[benchmarks.reads.scenarios.both.parameters]
statements = [
    { name = "look", sql = "select look()" },
    { name = "list", sql = "select pg_sleep(${data.naps.seconds})" },
]
[benchmarks.reads.scenarios.both.parameters.data.naps]
query = "select 0.01::float8 as seconds"
"""


@pytest.fixture
def command(tmp_path: Path) -> CommandLine:
    return CommandLine(new_state(tmp_path))


@pytest.fixture
def profile(tmp_path: Path) -> str:
    path = tmp_path / "ledger.toml"
    path.write_text(_PROFILE, encoding="utf-8")
    return str(path)


@pytest.fixture(scope="module")
def databases(postgres_dsn: str) -> Iterator[tuple[str, str]]:
    """Give two databases that differ in how long one function takes."""
    with (
        own_database(postgres_dsn, "duet_baseline") as baseline,
        own_database(postgres_dsn, "duet_candidate") as candidate,
    ):
        for dsn, asleep_ms in zip((baseline, candidate), _ASLEEP_MS, strict=True):
            with psycopg.connect(dsn) as connection:
                connection.execute(
                    "create function look() returns void language sql as "
                    f"'select pg_sleep({asleep_ms / 1_000})'"
                )
        yield baseline, candidate


def _as_url(dsn: str) -> str:
    """Return a DSN as people write one on a command line; libpq's keywords are no side there."""
    told = conninfo_to_dict(dsn)
    return "postgresql://{user}:{password}@{host}:{port}/{dbname}".format(**told)


def _operations(command: CommandLine) -> dict[str, dict[str, Any]]:
    (path,) = (command.state / "reports").glob("*/summary.json")
    told = json.loads(path.read_text(encoding="utf-8"))
    return {operation["operation"]: operation for operation in told["loads"][0]["operations"]}


def test_a_statement_that_became_slower_is_told_and_the_other_is_not(
    command: CommandLine,
    profile: str,
    databases: tuple[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    baseline, candidate = databases
    monkeypatch.setenv("NEW_LEDGER", candidate)
    answer = command(
        "duet", profile, "--baseline", _as_url(baseline), "--candidate", "env:NEW_LEDGER", *_SHORT
    )

    assert answer.code == 98, answer.out + answer.err
    found = {
        name: {key: told["verdict"] for key, told in operation["statistics"].items()}
        for name, operation in _operations(command).items()
    }
    assert found["look"]["p50"] == "SLOWER"
    assert "SLOWER" not in found["list"].values()
    # 30 / 10 ms, and what a busy machine adds to both.
    assert 2.0 < _operations(command)["look"]["statistics"]["p50"]["ratio"] < 3.3
    password = conninfo_to_dict(baseline)["password"]
    shown = answer.out + answer.err
    shown += "".join(path.read_text("utf-8") for path in command.state.glob("reports/*/*.*"))
    assert str(password) not in shown
    assert "dbname=duet_candidate" in shown


def test_what_one_of_the_databases_has_not_is_told_before_any_load(
    command: CommandLine, profile: str, databases: tuple[str, str], postgres_dsn: str
) -> None:
    answer = command.here(
        "duet", profile, "--baseline", _as_url(databases[0]), "--candidate", postgres_dsn, *_SHORT
    )

    assert answer.code == 97
    assert "PostgreSQL says function look() does not exist" in answer.err
    assert not (command.state / "reports").exists()


@pytest.mark.parametrize(
    ("sides", "told"),
    [
        (
            ("postgresql://127.0.0.1:1/a", "http://127.0.0.1:1"),
            "the baseline is the part postgres of a system and the candidate api",
        ),
        (
            ("http://127.0.0.1:1", "http://127.0.0.1:1"),
            "benchmarks.reads.scenarios.both runs sql, not HTTP requests",
        ),
        (
            ("postgresql://192.0.2.1/a", "postgresql://127.0.0.1:1/a"),
            "192.0.2.1 (PostgreSQL DSN) of --baseline is neither this machine nor an allowed host",
        ),
        (
            ("env:NO_SUCH_LEDGER", "postgresql://127.0.0.1:1/a"),
            "the environment variable NO_SUCH_LEDGER holds no URL and no DSN",
        ),
    ],
    ids=["two parts", "other part", "foreign host", "no variable"],
)
def test_sides_that_the_statements_cannot_go_to_are_refused(
    command: CommandLine, profile: str, sides: tuple[str, str], told: str
) -> None:
    answer = command.here("duet", profile, "--baseline", sides[0], "--candidate", sides[1], *_SHORT)

    assert answer.code == 104, answer.err
    assert told in answer.err
