"""The front door with real servers: owned stacks, the one that is up, dead owners, given parts."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import psycopg
import pytest
import redis

from perf_pipeline.errors import StackError, TargetUnavailableError
from perf_pipeline.stack.embedded import (
    doctor,
    down,
    find_running,
    revive,
    running_stack,
    sweep,
    up,
)
from perf_pipeline.stack.parts import Stack, StackOptions
from perf_pipeline.stack.postgres import running_postgres
from perf_pipeline.stack.process_register import (
    ProcessRecord,
    changing,
    is_alive,
    read_register,
    start_mark,
    write_register,
)
from perf_pipeline_tests.support.commands.forked import started
from perf_pipeline_tests.support.loads.own_processes import command_lines
from perf_pipeline_tests.support.places import new_state
from perf_pipeline_tests.support.silent import hush

SMALL = StackOptions(parts=frozenset({"postgres", "redis"}))
CACHE_ONLY = StackOptions(parts=frozenset({"redis"}))
OWNER = """
import signal, sys, time
from pathlib import Path
from perf_pipeline.stack.embedded import running_stack
from perf_pipeline.stack.parts import StackOptions
signal.signal(signal.SIGTERM, lambda *_: sys.exit(105))
with running_stack(
    Path(sys.argv[1]), StackOptions(parts=frozenset(sys.argv[2:])), say=lambda _: None
) as stack:
    print(stack.folder, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    """Give a state folder with initdb's data, and stop whatever a failing test left in it."""
    folder = new_state(tmp_path / "state")
    yield folder
    down(folder, say=lambda _: None)


def records_of(folder: Path) -> tuple[ProcessRecord, ...]:
    register = read_register(folder)
    assert register is not None
    return register.processes


def passwords_of(stack: Stack) -> list[str]:
    urls = (stack.endpoints.postgres_dsn, stack.endpoints.redis_url)
    return [urlsplit(url).password or "" for url in urls if url]


def identity_of(stack: Stack) -> object:
    """Give what a stack keeps; PostgreSQL's backends come and go."""
    leaders = [(part.name, part.address, part.pids[0], part.log) for part in stack.services]
    return stack.name, stack.endpoints, leaders, stack.folder, stack.notices


def wait_until(holds: Callable[[], bool], seconds: float = 15.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.05)
    return False


def start_owner(state: Path, *parts: str) -> tuple[subprocess.Popen[str], Path]:
    argv = [sys.executable, "-c", OWNER, str(state), *parts]
    owner = started(argv, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert owner.stdout is not None
    return owner, Path(owner.stdout.readline().strip())


def test_an_owned_stack_works_and_leaves_no_process_and_no_folder(state: Path) -> None:
    with running_stack(state, SMALL, say=hush) as stack:
        records = records_of(stack.folder)
        assert all(is_alive(record) for record in records if record.part != "postgres-initdb")
        assert re.fullmatch(rf"run-{os.getpid()}-\d+", stack.name)
        assert [(part.name, part.kind) for part in stack.services] == [
            ("postgres", "postgresql"),
            ("redis", "valkey-server"),
        ]
        postgres = stack.services[0]
        assert postgres.address.startswith("127.0.0.1:")
        assert postgres.settings["max_connections"] == "400"
        assert postgres.settings["fsync"] == "on"
        assert len(postgres.pids) > 1  # the postmaster and its own processes
        with psycopg.connect(stack.endpoints.postgres_dsn or "") as connection:
            row = connection.execute("select current_database(), pg_postmaster_start_time()")
            assert (row.fetchone() or ("",))[0] == "birthday"
    assert [record.name for record in records if is_alive(record)] == []
    assert not any(start_mark(pid) for pid in postgres.pids)
    assert not stack.folder.exists()


def test_no_password_is_in_an_argv_a_log_or_what_is_shown(state: Path) -> None:
    with running_stack(state, SMALL, say=hush) as stack:
        passwords = passwords_of(stack)
        assert [len(password) for password in passwords] == [32, 32]
        arguments = [word for _, words in command_lines() for word in words]
        logs = [path.read_text() for path in (stack.folder / "logs").iterdir()]
        shown = [str(part) for part in stack.services]
        for password in passwords:
            assert not any(password in text for text in (*arguments, *logs, *shown))
        secret_files = [
            path
            for path in stack.folder.rglob("*")
            if path.is_file() and not path.is_relative_to(stack.folder / "postgres")
            if any(password in path.read_text(errors="replace") for password in passwords)
        ]
        assert secret_files
        assert {path.stat().st_mode & 0o077 for path in secret_files} == {0}


def test_the_tables_of_the_reference_system_are_made_without_the_rest_of_it(state: Path) -> None:
    options = StackOptions(parts=frozenset({"postgres"}), tables=True)
    with running_stack(state, options, say=hush) as stack:
        with psycopg.connect(stack.endpoints.postgres_dsn or "") as connection:
            assert connection.execute("select count(*) from users").fetchone() == (0,)
        assert [service.name for service in stack.services] == ["postgres"]


def test_a_wrong_password_is_refused(state: Path) -> None:
    options = StackOptions(parts=frozenset({"postgres"}))
    with running_stack(state, options, say=hush) as stack:
        dsn = (stack.endpoints.postgres_dsn or "").replace(passwords_of(stack)[0], "guess")
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(dsn)


def test_two_owned_stacks_do_not_disturb_each_other(state: Path) -> None:
    with running_stack(state, SMALL, say=hush) as first:
        with running_stack(state, SMALL, say=hush) as second:
            assert first.folder != second.folder
            assert first.endpoints != second.endpoints
        psycopg.connect(first.endpoints.postgres_dsn or "").close()
        assert all(is_alive(record) for record in records_of(first.folder) if record.wave == 0)
        assert sweep(state, say=hush) == []


def test_a_stack_is_stopped_when_its_block_fails_in_another_thread(state: Path) -> None:
    seen: list[tuple[ProcessRecord, ...]] = []

    def step() -> None:
        with suppress(ZeroDivisionError), running_stack(state, CACHE_ONLY, say=hush) as stack:
            seen.append(records_of(stack.folder))
            _ = 1 / 0

    thread = threading.Thread(target=step)
    thread.start()
    thread.join()
    assert [record.name for record in seen[0] if is_alive(record)] == []


def test_a_failed_run_keeps_its_logs_until_its_process_is_gone(state: Path) -> None:
    with (
        pytest.raises(ZeroDivisionError),
        running_stack(state, CACHE_ONLY, say=hush) as stack,
    ):
        _ = 1 / 0
    assert sorted(path.name for path in stack.folder.iterdir()) == ["ledger.json", "logs"]
    assert (stack.folder / "logs" / "redis.log").exists()


def test_sigterm_of_the_owner_leaves_nothing(state: Path) -> None:
    owner, folder = start_owner(state, "postgres", "redis")
    with owner:
        records = records_of(folder)
        owner.send_signal(signal.SIGTERM)
        assert owner.wait(timeout=20) == 105
    assert [record.name for record in records if is_alive(record)] == []


def test_the_guard_ends_the_stack_of_an_owner_that_was_killed(state: Path) -> None:
    owner, folder = start_owner(state, "postgres", "redis")
    with owner:
        records = records_of(folder)
        owner.kill()
    assert wait_until(lambda: not any(is_alive(record) for record in records))
    assert wait_until(lambda: not folder.exists())


def test_a_server_that_its_killed_owner_had_not_registered_yet_ends_too(state: Path) -> None:
    """An owner that is killed at that moment leaves what the register does not name."""
    owner, folder = start_owner(state, "redis")
    with owner:
        with changing(folder) as register:
            (unnamed,) = [record for record in register.processes if record.name == "redis"]
            named = tuple(record for record in register.processes if record != unnamed)
            write_register(folder, replace(register, processes=named))
        owner.kill()
    assert wait_until(lambda: not folder.exists())
    assert wait_until(lambda: not is_alive(unnamed))


def test_the_next_start_ends_what_a_killed_owner_and_its_guard_left(state: Path) -> None:
    owner, folder = start_owner(state, "postgres", "redis")
    with owner:
        records = {record.name: record for record in records_of(folder)}
        os.kill(records["guard"].pid, signal.SIGKILL)
        owner.kill()
    said: list[str] = []
    left = [records["postgres"], records["redis"]]
    assert all(is_alive(record) for record in left)
    with running_stack(state, CACHE_ONLY, say=said.append):
        assert not any(is_alive(record) for record in left)
        assert not folder.exists()
    assert f"{folder.name}/postgres" in said[0]


def test_up_stays_for_several_runs_until_down(state: Path) -> None:
    first = up(state, SMALL, say=hush)
    assert identity_of(up(state, SMALL, say=hush)) == identity_of(first)
    with running_stack(state, SMALL, say=hush) as used:
        assert used.name == "up"
        assert used.endpoints == first.endpoints
    running = find_running(state)
    assert running is not None
    assert running.endpoints == first.endpoints
    assert sweep(state, say=hush) == []
    records = records_of(first.folder)
    assert sorted(down(state, say=hush)) == ["up/postgres", "up/redis"]  # they start side by side
    assert [record.name for record in records if is_alive(record)] == []
    assert find_running(state) is None
    assert down(state, say=hush) == []


def test_a_run_with_other_parts_starts_a_stack_of_its_own(state: Path) -> None:
    up(state, CACHE_ONLY, say=hush)
    with running_stack(state, SMALL, say=hush) as stack:
        assert stack.name != "up"
    assert find_running(state) is not None


def test_a_stack_with_a_dead_part_is_not_running_and_up_starts_anew(state: Path) -> None:
    first = up(state, SMALL, say=hush)
    os.kill(first.services[1].pids[0], signal.SIGKILL)
    assert wait_until(lambda: find_running(state) is None)
    second = up(state, SMALL, say=hush)
    assert second.endpoints != first.endpoints
    assert not any(start_mark(pid) for pid in first.services[0].pids)


def test_a_killed_database_is_revived_with_its_rows_at_its_address(state: Path) -> None:
    with running_stack(state, SMALL, say=hush) as stack:
        dsn = stack.endpoints.postgres_dsn or ""
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("create table kept as select 42 as answer")
        postmaster = next(entry for entry in records_of(stack.folder) if entry.name == "postgres")
        os.kill(postmaster.pid, signal.SIGKILL)
        assert wait_until(lambda: not is_alive(postmaster))
        assert revive(stack, "postgres") == ("postgres",)
        with psycopg.connect(dsn) as connection:
            assert connection.execute("select answer from kept").fetchone() == (42,)
        assert revive(stack, "postgres") == ()
        with pytest.raises(StackError, match="broker was not started by the stack"):
            revive(stack, "broker")


def test_given_parts_are_used_and_left_running(state: Path) -> None:
    with running_stack(state, SMALL, say=hush) as own:
        given = StackOptions(
            postgres_dsn=own.endpoints.postgres_dsn,
            redis_url=own.endpoints.redis_url,
            parts=frozenset(),
        )
        with running_stack(state, given, say=hush) as stack:
            assert {part.kind for part in stack.services} == {"external"}
            assert {part.pids for part in stack.services} == {()}
            assert not any(password in str(stack.services) for password in passwords_of(own))
            findings = doctor(state, given)
        assert [(finding.part, finding.ok) for finding in findings] == [
            ("postgres", True),
            ("redis", True),
        ]
        with redis.Redis.from_url(own.endpoints.redis_url or "") as client:
            assert client.ping()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            StackOptions(postgres_dsn="postgresql://u:hunter2@127.0.0.1:1/d", parts=frozenset()),
            r"PostgreSQL can't be reached: .*127\.0\.0\.1",
        ),
        (
            StackOptions(redis_url="redis://:hunter2@127.0.0.1:1/0", parts=frozenset()),
            r"there is no answer from Redis at 127\.0\.0\.1:1",
        ),
    ],
    ids=["postgres", "redis"],
)
def test_a_given_part_that_does_not_answer_is_named_without_its_password(
    state: Path, options: StackOptions, sentence: str
) -> None:
    with (
        pytest.raises(TargetUnavailableError, match=sentence) as caught,
        running_stack(state, options, say=hush),
    ):
        pass
    assert "hunter2" not in str(caught.value)
    assert [finding.ok for finding in doctor(state, options)] == [False]


def test_the_doctor_names_a_source_for_every_part(state: Path) -> None:
    findings = doctor(state, StackOptions())
    assert [finding.part for finding in findings] == ["postgres", "kafka", "redis", "reference"]
    assert all(finding.ok and finding.sentence for finding in findings)


def test_a_database_of_its_own_keeps_its_data_and_refuses_a_second_user(tmp_path: Path) -> None:
    folder = tmp_path / "dagster"
    with running_postgres(folder) as dsn:
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("create table kept as select current_database() as name")
        with pytest.raises(StackError, match="is in use by pid"), running_postgres(folder):
            pass
    with running_postgres(folder) as again, psycopg.connect(again) as connection:
        assert connection.execute("select name from kept").fetchone() == ("dagster",)
        records = records_of(folder)
    assert [record.name for record in records if is_alive(record)] == []


@pytest.mark.skipif(os.geteuid() != 0, reason="dropping to another account needs root")
def test_root_without_user_namespaces_runs_postgres_under_another_account(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("setpriv", "test", "true"):
        (tmp_path / name).symlink_to(shutil.which(name) or "")
    monkeypatch.setenv("PATH", str(tmp_path))  # no unshare here
    # pytest's own folder, and perhaps TMPDIR, can be entered by root alone.
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        state = Path(name)
        state.chmod(0o755)
        options = StackOptions(parts=frozenset({"postgres"}))
        # The first data are initdb's, the second ones a copy of them.
        for is_copy in (False, True):
            with running_stack(state, options, say=hush) as stack:
                psycopg.connect(stack.endpoints.postgres_dsn or "").close()
                assert psutil.Process(stack.services[0].pids[0]).uids().real != 0
                assert (stack.folder / "logs" / "postgres-initdb.log").exists() is not is_copy
    with (
        pytest.raises(StackError, match=r"no account of postgres, nobody can reach"),
        running_stack(tmp_path / "state", options, say=hush),
    ):
        pass
