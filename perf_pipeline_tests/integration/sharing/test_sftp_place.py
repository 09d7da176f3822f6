"""A team's place on a server of SFTP: runs go there and come back, and strangers are refused."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from perf_pipeline_tests.support.commands.command_line import CommandLine
from perf_pipeline_tests.support.histories.judged_runs import add_judged
from perf_pipeline_tests.support.histories.synthetic_history import api_runs
from perf_pipeline_tests.support.servers.sftp_server import SftpServer, sftp_server

ANOTHER = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKlYV5Sg9ogA6gsTmH5b0mY6sJQ9P0XhqNSpQKZ0gHwR"


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SftpServer]:
    with sftp_server(tmp_path) as running:
        monkeypatch.setenv("HOME", str(running.home))
        monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
        yield running


@pytest.fixture
def anna(tmp_path: Path) -> CommandLine:
    """Give a history with two runs."""
    (tmp_path / "anna").mkdir()
    add_judged(tmp_path / "anna", api_runs(80.0, 81.0))
    return CommandLine(tmp_path / "anna")


def test_runs_go_to_a_server_and_come_from_it(
    server: SftpServer, anna: CommandLine, tmp_path: Path
) -> None:
    server.make_known()
    ben = CommandLine(tmp_path / "ben")
    pushed, pulled = anna.here("push", server.url), ben.here("pull", server.url)
    both = ben.here("sync", server.url)

    assert (pushed.code, pulled.code, both.code) == (0, 0, 0), pushed.err + pulled.err + both.err
    assert pushed.out.startswith("pushed 2 runs to ")
    assert pulled.out.startswith("pulled 2 runs from ")
    assert "pushed 0 runs" in both.out
    assert ben.value("select count(*) from runs") == 2
    place = server.root / "team" / "speed"
    assert len(list((place / "runs").iterdir())) == 2
    assert list((place / "incoming").iterdir()) == []  # all was renamed


def test_a_server_that_nobody_here_knows_gets_nothing(
    server: SftpServer, anna: CommandLine
) -> None:
    answer = anna.here("push", server.url)

    assert answer.code != 0
    assert (
        f"[127.0.0.1]:{server.port} has a key that is not in ~/.ssh/known_hosts: ssh-ed25519 "
        in (answer.err)
    )
    assert f"ssh-keyscan -p {server.port} 127.0.0.1 >> ~/.ssh/known_hosts" in answer.err
    assert list(server.root.iterdir()) == []


def test_a_server_with_another_key_than_it_had_gets_nothing(
    server: SftpServer, anna: CommandLine
) -> None:
    server.make_known(ANOTHER)
    answer = anna.here("push", server.url)

    assert answer.code != 0
    assert "has another key than the one of ~/.ssh/known_hosts" in answer.err
    assert list(server.root.iterdir()) == []


def test_a_server_that_takes_nobody_is_told_in_a_sentence(
    server: SftpServer, anna: CommandLine
) -> None:
    server.make_known()
    (server.home / ".ssh" / "id_ed25519").unlink()
    answer = anna.here("push", server.url)

    assert answer.code != 0
    assert "can't be reached: " in answer.err
    assert "Traceback" not in answer.err
