"""Where the page of a state folder is: known while it is served, and not a moment longer."""

import stat
import subprocess
import sys
from pathlib import Path

from perf_pipeline.following.announcement import announced, page_of
from perf_pipeline.store.state import State

ADDRESS = "http://127.0.0.1:8899/c2VjcmV0/"


def test_a_page_is_known_while_it_is_served(tmp_path: Path) -> None:
    state = State(tmp_path)

    assert page_of(state) == ""
    with announced(state, ADDRESS):
        assert page_of(state) == ADDRESS
        assert stat.S_IMODE((state.live / "page").stat().st_mode) == 0o600
    assert page_of(state) == ""


def test_a_page_that_was_killed_is_not_known_any_more(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path\n"
        "from perf_pipeline.following.announcement import announced\n"
        "from perf_pipeline.store.state import State\n"
        "with announced(State(Path(sys.argv[1])), sys.argv[2]):\n"
        "    print('served', flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path), ADDRESS], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert page_of(State(tmp_path)) == ADDRESS
        process.kill()

    assert page_of(State(tmp_path)) == ""


def test_a_folder_that_cannot_be_written_has_a_page_that_nobody_knows_of(tmp_path: Path) -> None:
    (tmp_path / "live").write_text("a file")

    with announced(State(tmp_path), ADDRESS):
        assert page_of(State(tmp_path)) == ""
