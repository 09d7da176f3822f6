"""What the command line refuses before any load: exit code, sentence, and that nothing happened."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from perf_pipeline.store.history import open_history
from perf_pipeline_tests.support.commands.command_line import CREATION, CommandLine, left_running
from perf_pipeline_tests.support.places import new_state

READER = """
import duckdb, sys
connection = duckdb.connect(sys.argv[1], read_only=True)
print("open", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def command(tmp_path: Path) -> CommandLine:
    """Give the command line with a fresh state folder."""
    return CommandLine(new_state(tmp_path / "state"))


def nothing_happened(command: CommandLine) -> bool:
    """Say whether no stack was started and no run begun."""
    begun = [*command.state.glob("stacks/*/ledger.json"), *command.state.glob("spool/*")]
    return not begun and not left_running(command.state)


def test_every_mistake_of_a_profile_is_told_at_once(command: CommandLine, tmp_path: Path) -> None:
    profile = tmp_path / "wrong.toml"
    profile.write_text(
        """
        extends = "quick"
        colour = "blue"
        [seeding]
        users = -1
        [benchmarks.api_user_creation.scenarios.create_users]
        stages = [{ duration = "ten", target = 5 }]
        [benchmarks.api_user_creation.thresholds]
        http_req_duration = ["p95 < 1"]
        no_such_metric = ["rate<1"]
        """,
        encoding="utf-8",
    )

    answer = command.here("run", "--profile", str(profile))

    assert answer.code == 104
    assert answer.out == ""
    for mistake in ("colour", "seeding.users", "'ten'", "p95 < 1", "no_such_metric"):
        assert mistake in answer.err
    assert "5 mistakes; nothing was sent" in answer.err
    assert "Traceback" not in answer.err
    assert nothing_happened(command)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("run", "--profile", "huge"), "quick, ci, full, weekly, soak"),
        (("run", "--profile", "nowhere.toml"), "nowhere.toml"),
        (("run", "--set", "seeding.users"), "KEY=VALUE"),
        (("run", "--set", "seeding.people=5"), "people"),
        (("run", "--only", "api_user_deletion"), "api_user_creation"),
        (("run", "--profil", "quick"), "--profil"),
        (("walk",), "walk"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_cannot_be_meant_is_named_and_ends_with_104(
    command: CommandLine, arguments: tuple[str, ...], told: str
) -> None:
    answer = command.here(*arguments)

    assert answer.code == 104
    assert told in answer.err
    assert nothing_happened(command)


@pytest.mark.parametrize(
    ("variable", "address", "key"),
    [
        ("PERF_BASE_URL", "http://192.0.2.1:8000", "192.0.2.1 (baseUrl)"),
        (
            "PERF_POSTGRES_DSN",
            "postgresql://me:s3cret-word@db.example/users",
            "db.example (PostgreSQL DSN)",
        ),
        ("PERF_KAFKA_BROKERS", "127.0.0.1:9092,10.0.0.7:9092", "10.0.0.7 (brokers)"),
    ],
    ids=["api", "postgres", "brokers"],
)
def test_a_target_elsewhere_is_refused_by_host_and_key(
    command: CommandLine, variable: str, address: str, key: str
) -> None:
    answer = CommandLine(command.state, {variable: address}).here("run")

    assert answer.code == 104
    assert key in answer.err
    assert "nothing was sent" in answer.err
    assert "PERF_ALLOWED_HOSTS" in answer.err
    assert "s3cret-word" not in answer.err
    assert nothing_happened(command)


def test_a_target_that_is_down_is_told_with_its_address_in_some_seconds(
    command: CommandLine,
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound and not listening: nobody else gets the port
        port = closed.getsockname()[1]
        answer = command("run", PERF_BASE_URL=f"http://127.0.0.1:{port}")

    assert answer.code == 97
    assert f"GET http://127.0.0.1:{port}/health got no answer" in answer.err
    assert "start the target" in answer.err
    assert answer.took_s < 10
    assert nothing_happened(command)


def test_a_target_that_accepts_and_says_nothing_is_told_in_some_seconds(
    command: CommandLine,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        port = deaf.getsockname()[1]

        answer = command("run", PERF_BASE_URL=f"http://127.0.0.1:{port}")

    assert answer.code == 97
    assert f"http://127.0.0.1:{port}/health" in answer.err
    assert answer.took_s < 15


def test_a_history_that_somebody_only_reads_is_told_before_any_load(
    command: CommandLine,
) -> None:
    """While a reader has it open, DuckDB lets nobody write."""
    history = command.state / "history.duckdb"
    with open_history(history):
        pass
    holder = subprocess.Popen(
        [sys.executable, "-c", READER, str(history)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"open\n"

        answer = command("run", *CREATION)
    finally:
        holder.communicate()

    assert answer.code == 97
    assert f"history.duckdb is open in pid {holder.pid}" in answer.err
    assert "nothing was sent" in answer.err
    assert "close it there, then run again" in answer.err
    assert answer.took_s < 15
    assert nothing_happened(command)


def test_questions_to_an_empty_state_are_answered_with_a_sentence(command: CommandLine) -> None:
    for arguments in (("judge",), ("report",), ("compare",), ("sql", "select 1")):
        answer = command.here(*arguments)
        assert answer.code == 104
        assert "perf-pipeline run` makes" in answer.err, arguments
        assert "Traceback" not in answer.err
    assert command.here("ingest").out == "the spool is empty; `perf-pipeline run` will fill it\n"
    assert command.here("down").out == "nothing was running\n"
    assert "no stack is up" in command.here("status").out


@pytest.mark.parametrize(
    "arguments",
    [
        ("judge", "nosuchrun"),
        ("report", "nosuchrun"),
        ("compare", "nosuchrun"),
        ("compare", "nosuchrun", "nosuchrun"),
        ("lineage", "nosuchrun"),
        ("ingest", "nosuchrun"),
        ("baseline", "pin", "nosuchrun", "--name", "v1", "--reason", "a try"),
    ],
    ids=" ".join,
)
def test_a_run_that_is_not_there_is_named_with_those_that_are(
    command: CommandLine, arguments: tuple[str, ...]
) -> None:
    with open_history(command.state / "history.duckdb"):
        pass

    answer = command.here(*arguments)

    assert answer.code == 104
    assert "nosuchrun" in answer.err
    assert "newest" in answer.err
    assert "Traceback" not in answer.err


def test_a_history_that_is_no_database_can_not_be_judged_by(command: CommandLine) -> None:
    command.state.mkdir(exist_ok=True)
    (command.state / "history.duckdb").write_bytes(b"no database" * 4_096)

    answer = command.here("report")

    assert answer.code == 97
    assert "history.duckdb" in answer.err
    assert "Traceback" not in answer.err
