"""How often garbage is looked for while a command looks back."""

import gc
import subprocess
import sys
from pathlib import Path

import pytest

from perf_pipeline.cli.collecting import collects_rarely

LOOKS = """
import gc

from perf_pipeline.cli.collecting import collects_rarely

looks = []


@collects_rarely
def command():
    gc.callbacks.append(lambda phase, _: looks.append(phase))
    return [[number] for number in range(30_000)]


left = command()
more = [[number] for number in range(100)]
print(f"{len(left)} objects are left, {len(more)} are new, and these looks were taken: {looks}")
"""


def test_a_command_collects_rarely_and_leaves_things_as_they_were() -> None:
    usual = gc.get_threshold()

    @collects_rarely
    def command() -> int:
        return gc.get_threshold()[0]

    assert command() == 1_000_000
    assert gc.get_threshold() == usual


def test_a_command_that_fails_leaves_things_as_they_were() -> None:
    usual = gc.get_threshold()

    @collects_rarely
    def command() -> None:
        raise SystemExit(99)

    with pytest.raises(SystemExit):
        command()
    assert gc.get_threshold() == usual


def test_what_a_command_left_is_not_looked_at_as_it_ends(tmp_path: Path) -> None:
    # In an interpreter of its own: pytest's processes hold frozen objects, which stay as they are.
    program = tmp_path / "looks.py"
    program.write_text(LOOKS, encoding="utf-8")

    done = subprocess.run(
        [sys.executable, program], capture_output=True, text=True, check=True, timeout=60
    )

    assert done.stdout == "30000 objects are left, 100 are new, and these looks were taken: []\n"
