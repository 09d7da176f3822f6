"""Measure how long the command line takes to start: wall time of whole processes.

Each command runs in a new process, in turns, so that only the disk's cache is warm; an empty
interpreter stands beside them. Run by hand:
`python perf_pipeline_tests/benchmarks/bench_start.py [rounds]`.
Add here: a command that people wait for. Keep out: assertions; the machine decides the figures.
"""

import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Final

ROUNDS: Final = 11
TOOL: Final = str(Path(sys.executable).with_name("perf-pipeline"))
COMMANDS: Final = {
    "python -c pass": (sys.executable, "-c", "pass"),
    "perf-pipeline --version": (TOOL, "--version"),
    "perf-pipeline --help": (TOOL, "--help"),
    "perf-pipeline run --help": (TOOL, "run", "--help"),
}


def seconds(command: tuple[str, ...], folder: str) -> float:
    """Give the wall time of a command from start to exit."""
    began_s = perf_counter()
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return perf_counter() - began_s


def main() -> None:
    """Print a table: medians and the slowest of interleaved rounds."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    taken: dict[str, list[float]] = {name: [] for name in COMMANDS}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(rounds):
            for name, command in COMMANDS.items():
                taken[name].append(seconds(command, folder))
    print("command                     median s   slowest s")
    for name, figures in taken.items():
        print(f"{name:26} {statistics.median(figures):9.3f} {max(figures):11.3f}")


if __name__ == "__main__":
    main()
