"""A disk that is full or read-only: one sentence, exit code 97, and the history as it was.

The disk is a small tmpfs in a mount namespace of its own; without the right to make one (root)
these tests are skipped.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from perf_pipeline.cli.endings import kept_traceback
from perf_pipeline_tests.support.commands.forked import ran
from perf_pipeline_tests.support.elsewhere import small_disk
from perf_pipeline_tests.support.histories.synthetic_history import add_runs, api_runs

_FILL = 'dd if=/dev/zero of="$DISK/filler" bs=1k status=none 2>/dev/null; sync'


@dataclass(frozen=True, slots=True)
class Said:
    """Hold what each command of a script ended with."""

    codes: list[int]
    text: str


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a state folder with a stored run whose files are still in the spool."""
    folder = tmp_path_factory.mktemp("full") / "state"
    add_runs(folder, api_runs(80.0))
    return folder


@pytest.fixture
def on_a_small_disk(tmp_path: Path, state: Path) -> Callable[..., Said]:
    """Give what runs lines of shell on a disk of 24 MiB that has the state folder."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = f"mount -t tmpfs -o size=24m none '{disk}'"
    probe = subprocess.run(["unshare", "-m", "sh", "-c", mount], capture_output=True, check=False)
    if probe.returncode:
        pytest.skip("this machine doesn't let us mount a small disk: it takes root")

    def run(*lines: str) -> Said:
        words = [sys.executable, "-m", small_disk.__name__, str(disk), str(state), *lines]
        done = ran(words, env={**os.environ, "TMPDIR": "/tmp"}, timeout=80)
        text = done.stdout + done.stderr
        codes = [int(line[5:]) for line in text.splitlines() if line.startswith("CODE ")]
        return Said(codes, text)

    return run


def _cli(arguments: str) -> str:
    return f"perf-pipeline {arguments}"


def test_report_and_ingest_on_a_full_disk_are_sentences_and_the_history_is_intact(
    on_a_small_disk: Callable[..., Said],
) -> None:
    said = on_a_small_disk(
        _FILL,
        _cli("report"),
        _cli("ingest"),
        _cli("doctor"),
        'rm "$DISK/filler"',
        _cli('sql --csv "select count(*) as stored from benchmarks"'),
    )

    assert said.codes == [97, 97, 97, 0], said.text
    assert "Traceback" not in said.text
    assert "No space left on device" in said.text or "is full" in said.text
    assert "!! state: " in said.text
    assert "stored\n1\n" in said.text.replace("\r", "")


def test_a_first_history_that_a_full_disk_cut_short_is_not_in_the_way_later(
    on_a_small_disk: Callable[..., Said],
) -> None:
    """Its first bytes were left behind, and everything after called them a damaged file."""
    said = on_a_small_disk(
        'rm "$DISK/state/history.duckdb"',
        _FILL,
        'truncate -s -8K "$DISK/filler"',
        _cli("ingest"),
        'rm "$DISK/filler"',
        _cli("ingest"),
        _cli('sql --csv "select count(*) as stored from benchmarks"'),
    )

    assert (said.codes[0], said.codes[-1]) == (97, 0), said.text
    assert "is full; nothing of this step was stored" in said.text
    assert "damaged" not in said.text
    assert "Traceback" not in said.text
    assert "stored\n1\n" in said.text.replace("\r", ""), said.text


def test_report_and_ingest_on_a_read_only_disk_are_sentences(
    on_a_small_disk: Callable[..., Said],
) -> None:
    said = on_a_small_disk(
        'mount -o remount,ro "$DISK"', _cli("report"), _cli("ingest"), _cli("doctor")
    )

    assert said.codes == [97, 97, 97], said.text
    assert "Traceback" not in said.text
    assert said.text.lower().count("read-only") == 3


_NO_OUTCOME = """
import sys
from pathlib import Path
from perf_pipeline.errors import GeneratorLimitError
from perf_pipeline.loading.benchmark_folder import write_down
from perf_pipeline.store.records import BenchmarkOutcome
folder = Path(sys.argv[1])
for limits in ["samples-1-0.npy can't be written: No space left on device"], []:
    try:
        write_down(folder, BenchmarkOutcome("api", "aborted", "", 0.0, 0.0), limits)
    except GeneratorLimitError as error:
        print(error)
"""


def test_a_load_that_filled_the_disk_says_so_also_when_its_outcome_cannot_be_written(
    on_a_small_disk: Callable[..., Said], tmp_path: Path
) -> None:
    program = tmp_path / "no_outcome.py"
    program.write_text(_NO_OUTCOME, encoding="utf-8")

    said = on_a_small_disk(
        'mkdir "$DISK/api"', _FILL, f"'{sys.executable}' {program} \"$DISK/api\"; echo CODE $?"
    )

    assert said.codes == [0], said.text
    assert said.text.startswith("samples-1-0.npy can't be written: No space left on device; api")
    assert "make room on the disk and run again; what was already written is kept in" in said.text
    # A benchmark that could not begin has no other reason.
    assert "api can't be written: No space left on device; api is treated as cut off" in said.text


def test_a_traceback_that_the_log_folder_does_not_take_is_kept_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = tmp_path / "state"
    state.write_text("a file where the folder should be")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))

    with pytest.raises(ZeroDivisionError):
        raise_and_keep(state)

    (log,) = (tmp_path / "temporary").rglob("*.log")
    assert "ZeroDivisionError" in log.read_text(encoding="utf-8")


def raise_and_keep(state: Path) -> None:
    """Keep the traceback of a division by zero, as the command line does."""
    try:
        _ = 1 / 0
    except ZeroDivisionError:
        assert "the traceback is in" in kept_traceback(state)
        raise
