"""What a command does when its output, its folders or its language are not as usual."""

import io
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Final

import pytest

from perf_pipeline.cli.streams import OutputLostError, safe_streams
from perf_pipeline_tests.support.commands.command_line import CommandLine, without_target
from perf_pipeline_tests.support.commands.forked import ran
from perf_pipeline_tests.support.commands.forked_program import forked_program

PLANTED_BUG: Final = """
import sys
from perf_pipeline.stack import embedded
def broken(state):
    raise LookupError("nobody foresaw this")
embedded.find_running = broken
from perf_pipeline.cli.main import main
main(sys.argv[1:])
"""


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """Give a state folder that is not there yet."""
    return tmp_path / "state"


@pytest.fixture(scope="module")
def forks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give a PATH on which `perf-pipeline` is a fork: where its start is not what is looked at."""
    folder = tmp_path_factory.mktemp("forks")
    with forked_program(folder / "perf-pipeline"):
        yield os.pathsep.join((str(folder), os.environ["PATH"]))


def in_shell(script: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run a line of bash in which `perf-pipeline` is this one; give what it printed."""
    binaries = str(Path(sys.executable).parent)
    path = os.pathsep.join((binaries, os.environ["PATH"]))
    return subprocess.run(
        ["bash", "-c", f"set -o pipefail; {script}"],
        env={**without_target(), "PATH": path, **environment},
        capture_output=True,
        check=False,
        timeout=25,
    )


def assert_a_sentence(answer: "subprocess.CompletedProcess[bytes]", *codes: int) -> None:
    """See that a command ended as people are told, and not as a program that broke."""
    assert answer.returncode in codes, answer.stderr
    for never in (b"Traceback", b"Unicode", b"unexpected", b"\x1b"):
        assert never not in answer.stderr


@pytest.mark.parametrize("redirection", [">&-", ">&- 2>&- <&-", "2>/dev/full"])
def test_a_stream_that_is_closed_or_full_changes_no_answer(state: Path, redirection: str) -> None:
    answer = in_shell(f"perf-pipeline --state {state} status {redirection}")

    assert_a_sentence(answer, 0)


def test_a_reader_that_has_gone_ends_a_command_silently_as_a_pipe_does() -> None:
    answer = in_shell("perf-pipeline --help | true")

    assert answer.returncode == 141  # 128 + SIGPIPE, as of `yes | true`
    assert answer.stderr == b""


def test_an_output_that_python_does_not_buffer_is_never_cut_silently(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A write that the system took in part is no written one (write(2), RETURN VALUE)."""
    reader, writer = os.pipe()

    def read_one_letter() -> None:
        os.read(reader, 1)
        os.close(reader)

    # With PYTHONUNBUFFERED=1, as in the image, nothing stands between the text and the file.
    with io.TextIOWrapper(io.FileIO(writer, "w"), write_through=True) as unbuffered:
        monkeypatch.setattr(sys, "stdout", unbuffered)
        Thread(target=read_one_letter).start()

        with pytest.raises(OutputLostError), safe_streams():
            sys.stdout.write("x" * 1_000_000)


def test_an_output_that_is_full_is_told_in_a_sentence(state: Path) -> None:
    answer = in_shell(f"perf-pipeline --state {state} status > /dev/full")

    assert answer.returncode == 97
    assert answer.stderr == (
        b"perf-pipeline: standard output can't be written: No space left on device\n"
    )
    assert not (state / "logs").exists()


@pytest.mark.parametrize(
    "environment",
    [
        {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
        {"PYTHONIOENCODING": "ascii"},
    ],
    ids=["C", "ascii"],
)
def test_letters_outside_an_encoding_are_printed_as_escapes(
    state: Path, environment: dict[str, str]
) -> None:
    line = f"perf-pipeline --state {state} doctor --set target=größe-世界"

    answer = in_shell(line, **environment)

    assert_a_sentence(answer, 104)


@pytest.mark.parametrize(
    "environment",
    [
        {"COLUMNS": "1", "NO_COLOR": "1", "TERM": "dumb"},
        {"COLUMNS": "99999999999999999999", "TERM": "no-such-terminal"},
        {"HOME": "", "TMPDIR": "/nowhere/at/all", "COLUMNS": "x"},
    ],
    ids=["narrow", "wide", "homeless"],
)
def test_an_odd_terminal_or_home_changes_no_answer(
    state: Path, environment: dict[str, str]
) -> None:
    answer = in_shell(f"perf-pipeline --state {state} status", **environment)

    assert (answer.returncode, answer.stderr) == (0, b"")
    assert b"\x1b" not in answer.stdout


@pytest.mark.parametrize("folder", ["/proc/nowhere", "{}/a-file/.perf"], ids=["proc", "file"])
def test_a_state_folder_that_cannot_be_made_is_told_in_a_sentence(
    tmp_path: Path, folder: str, forks: str
) -> None:
    (tmp_path / "a-file").touch()
    place = folder.format(tmp_path)
    answer = in_shell(f"perf-pipeline --state {place} up", PATH=forks)

    assert_a_sentence(answer, 97)
    assert answer.stderr.count(b"perf-pipeline: ") == 1
    assert answer.stderr.count(b" can't be written: ") == 1


def test_a_lock_folder_that_cannot_be_made_is_told_with_its_variable(
    state: Path, forks: str
) -> None:
    answer = in_shell(
        f"perf-pipeline --state {state} run",
        PERF_LOCK_FOLDER="/proc/nowhere",
        PERF_BASE_URL="http://127.0.0.1:9",
        PATH=forks,
    )

    assert_a_sentence(answer, 97)
    assert b"/proc/nowhere, can't be created: No such file or directory" in answer.stderr
    assert b"set PERF_LOCK_FOLDER to another folder" in answer.stderr


def test_a_current_folder_that_is_gone_is_told_in_a_sentence(tmp_path: Path) -> None:
    answer = in_shell(f"mkdir {tmp_path}/x; cd {tmp_path}/x; rmdir ../x; perf-pipeline status")

    assert_a_sentence(answer, 97)
    assert b"the current folder is no longer there; change into one that is" in answer.stderr


def test_arguments_of_any_size_and_bytes_give_a_sentence_of_bounded_size(
    state: Path, forks: str
) -> None:
    long = "x" * 30_000
    for arguments in (
        f"run --{long}",
        f"run --set {long}={long}",
        f"--state {long} ingest",
        r"run --profile $'\xff.toml' --set $'target=\xff\x1b[31m'",
        r"run --only $'\xff\n\x1b[31m'",
    ):
        answer = in_shell(f"perf-pipeline --state {state} {arguments}", PATH=forks)

        assert_a_sentence(answer, 97, 104)
        assert 0 < len(answer.stderr) < 4_000, arguments[:50]


def test_what_nobody_foresaw_is_one_sentence_and_a_traceback_in_a_log(state: Path) -> None:
    answer = ran([sys.executable, "-c", PLANTED_BUG, "--state", str(state), "status"])

    assert answer.returncode == 1
    assert "unexpected LookupError: nobody foresaw this" in answer.stderr
    assert "Traceback" not in answer.stderr
    log = Path(answer.stderr.splitlines()[-1].rpartition("the traceback is in ")[2])
    assert "Traceback" in log.read_text(encoding="utf-8")


def test_a_traceback_that_can_be_kept_nowhere_is_printed() -> None:
    answer = subprocess.run(
        [sys.executable, "-c", PLANTED_BUG, "--state", "/proc/nowhere", "status"],
        env={**os.environ, "TMPDIR": "/proc/nowhere", "PATH": "/nowhere"},
        cwd="/proc",
        preexec_fn=_no_file_may_grow,
        capture_output=True,
        text=True,
        check=False,
        timeout=25,
    )

    assert answer.returncode == 1
    assert "the traceback could not be kept" in answer.stderr
    assert "LookupError: nobody foresaw this" in answer.stderr


def _no_file_may_grow() -> None:
    import resource  # noqa: PLC0415 - in the child only

    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def test_a_file_where_a_folder_should_be_is_told(command_state: Path) -> None:
    (command_state / "stacks").touch()

    answer = CommandLine(command_state)("down")

    assert answer.code == 97
    assert "/stacks can't be used: File exists" in answer.err


@pytest.fixture
def command_state(state: Path) -> Path:
    """Give the folder, made."""
    state.mkdir()
    return state
