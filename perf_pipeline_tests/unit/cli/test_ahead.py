"""What a command imports while it reads: all of it is there afterwards, and a failure is told."""

import sys
from pathlib import Path

import pytest

from perf_pipeline.cli.ahead import imported


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder whose modules can be imported, each once."""
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_modules_are_imported_beside_the_block_and_are_there_after_it(modules: Path) -> None:
    # The module waits for the block, which could not go on if it were imported before it.
    (modules / "slow_one.py").write_text(
        "import sys, time\n"
        "until_s = time.monotonic() + 30\n"
        "while not hasattr(sys, 'block_began') and time.monotonic() < until_s:\n"
        "    time.sleep(0.001)\n"
        "found = hasattr(sys, 'block_began')\n"
    )
    with imported("slow_one"):
        vars(sys)["block_began"] = True
    del vars(sys)["block_began"]

    assert sys.modules["slow_one"].found


def test_a_module_that_cannot_be_imported_is_left_to_who_needs_it(modules: Path) -> None:
    (modules / "broken_one.py").write_text("raise ValueError('broken')")
    (modules / "whole_one.py").write_text("")

    with imported("broken_one", "not_there", "whole_one"):
        pass

    assert "whole_one" in sys.modules
    with pytest.raises(ValueError, match="broken"):
        __import__("broken_one")


def test_an_error_of_the_block_is_told_after_the_imports(modules: Path) -> None:
    (modules / "later_one.py").write_text("import time; time.sleep(0.01)")

    with pytest.raises(KeyError), imported("later_one"):
        raise KeyError

    assert "later_one" in sys.modules
