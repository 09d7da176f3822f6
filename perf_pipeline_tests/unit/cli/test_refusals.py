"""Which errors of the system are the machine's, and which are mistakes of this program."""

import errno
import os
import threading
from pathlib import Path

import pytest

import perf_pipeline
from perf_pipeline.cli.refusals import (
    is_refusal,
    is_unloadable,
    reason_of,
    refusal_of,
    sentence_of,
)


def error(number: int, path: object = None) -> OSError:
    """Make an error as the system does."""
    return OSError(number, os.strerror(number), path)


@pytest.mark.parametrize(
    "number",
    [errno.ENOSPC, errno.EMFILE, errno.ENOMEM, errno.EROFS, errno.EAGAIN, errno.EIO, errno.EACCES],
    ids=errno.errorcode.get,
)
def test_a_limit_or_a_permission_is_the_machine_s_with_a_file_and_without(number: int) -> None:
    assert is_refusal(error(number))
    assert is_refusal(error(number, "/somewhere"))


@pytest.mark.parametrize(
    "number",
    [errno.EBADF, errno.EINVAL, errno.ECONNREFUSED, errno.EPIPE, errno.ENOENT, errno.EEXIST],
    ids=errno.errorcode.get,
)
def test_an_error_that_names_no_file_is_a_bug(number: int) -> None:
    assert not is_refusal(error(number))


def test_a_file_that_nobody_wrote_is_a_bug_and_a_folder_that_has_gone_is_none(
    tmp_path: Path,
) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    (tmp_path / "file").touch()

    assert not is_refusal(error(errno.ENOENT, str(tmp_path / "forgotten.json")))
    assert is_refusal(error(errno.ENOENT, str(tmp_path / "gone" / "run.json")))
    assert is_refusal(error(errno.ENOENT, str(tmp_path / "link")))
    assert is_refusal(error(errno.ENOENT, str(tmp_path / "file" / "run.json")))


def test_a_file_where_a_folder_should_be_is_somebody_else_s(tmp_path: Path) -> None:
    (tmp_path / "spool").touch()
    (tmp_path / "run.json").mkdir()

    assert is_refusal(error(errno.EEXIST, str(tmp_path / "spool")))
    assert is_refusal(error(errno.ENOTDIR, str(tmp_path / "spool" / "r1")))
    assert is_refusal(error(errno.EISDIR, os.fsencode(tmp_path / "run.json")))
    assert not is_refusal(error(errno.EEXIST, str(tmp_path)))
    assert not is_refusal(error(errno.EISDIR, str(tmp_path / "spool")))


def test_a_file_of_the_package_that_is_missing_is_a_bug() -> None:
    template = Path(perf_pipeline.__file__).with_name("gone") / "report.html"

    assert not is_refusal(error(errno.ENOENT, str(template)))


def test_a_refusal_is_told_with_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()

    assert sentence_of(error(errno.EACCES, "/x\n")) == "/x\\n can't be used: Permission denied"
    assert sentence_of(error(errno.EAGAIN)).startswith("the system refuses to go on: Resource")
    monkeypatch.chdir(gone)
    gone.rmdir()
    told = sentence_of(error(errno.ENOENT))
    assert told == "the current folder is no longer there; change into one that is"
    assert is_refusal(error(errno.ENOENT))


def test_a_library_that_gets_no_memory_is_no_bug_and_a_module_that_is_missing_is_one() -> None:
    """The texts are those of glibc's dlopen under `ulimit -v`, the first one inside numpy's."""
    unmapped = "x/_duckdb.cpython-311-x86_64-linux-gnu.so: failed to map segment from shared object"

    refused = ImportError(f"IMPORTANT: PLEASE READ THIS\n\nOriginal error was: {unmapped}\n\n")

    assert is_unloadable(refused)
    assert reason_of(refused).startswith(f"Original error was: {unmapped}; give it more memory")
    assert is_unloadable(ImportError("libpq.so.5: cannot open shared object file: No such file"))
    assert not is_unloadable(ImportError("cannot import name 'x' from 'perf_pipeline.cli'"))
    assert not is_unloadable(ModuleNotFoundError("No module named 'perf_pipeline.gone'"))


def test_a_thread_that_the_system_refuses_is_no_bug() -> None:
    before = threading.stack_size(1 << 46)  # more than there are addresses for
    with pytest.raises(RuntimeError) as refused:
        threading.Thread(target=print).start()
    threading.stack_size(before)

    told = refusal_of(refused.value)

    assert told is not None
    assert told.startswith("the system refuses another thread; raise the limit of processes")
    assert refusal_of(RuntimeError("started twice")) is None


def test_too_little_memory_and_a_full_disk_are_told_and_a_wrong_value_is_a_bug() -> None:
    assert "no more memory" in str(refusal_of(MemoryError()))
    assert refusal_of(error(errno.ENOSPC)) == (
        "the system refuses to go on: No space left on device"
    )
    assert refusal_of(ValueError("a mistake")) is None
