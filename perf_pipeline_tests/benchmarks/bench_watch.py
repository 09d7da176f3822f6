"""What a page of a run costs the measurement: the same load with and without one, in turns.

    python -m perf_pipeline_tests.benchmarks.bench_watch [ROUNDS]

A server of the standard library is loaded with 300 requests per second for 10 s; curl reads what
the page is told. Add here: another figure that must not change. Keep out: how pages are drawn.
"""

import re
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Final

import psutil

from perf_pipeline_tests.benchmarks.bench_out import FIGURES, PROFILE, Prompt
from perf_pipeline_tests.benchmarks.two_sides import in_turns, print_medians
from perf_pipeline_tests.support.commands.command_line import CommandLine
from perf_pipeline_tests.support.servers.serving import serving

_THRESHOLDS: Final = """
[benchmarks.out.thresholds]
http_req_duration = ["p(95)<5000", "p(99)<5000"]
http_req_failed = ["rate<0.5"]
"""
_CPU: Final = "CPU of the page, s"


def measured(base_url: str, *, is_watched: bool) -> list[float]:
    """Run the load once and give its figures, the CPU of the page's process last."""
    with tempfile.TemporaryDirectory() as folder:
        profile = Path(folder) / "out.toml"
        profile.write_text(PROFILE.format(base_url=base_url) + _THRESHOLDS, encoding="utf-8")
        command = CommandLine(Path(folder))
        running = command.start(
            "run", str(profile), "--confirm=0", *(["--watch"] if is_watched else [])
        )
        spent_s = 0.0
        if is_watched:
            told = running.wait_for("follow the run at ")
            address = re.findall(r"http://\S+", told)[0]
            with subprocess.Popen(
                ["curl", "-sN", f"{address}events"], stdout=subprocess.PIPE
            ) as page:
                [server] = [
                    process
                    for process in psutil.process_iter(["cmdline"])
                    if {"watch", folder} <= set(process.info["cmdline"] or ())
                ]
                assert page.stdout is not None
                for line in page.stdout:
                    if b"exit code" in line:
                        break
                spent_s = sum(server.cpu_times()[:2])
                page.kill()
        running.answer()
        of_load = "where phase = 'measured'"
        figures = [float(command.value(f"select {sql} {of_load}")) for sql in FIGURES.values()]
        return [*figures, spent_s]


def main() -> None:
    """Print each side's medians."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    with serving(Prompt) as base_url:
        alone, watched = (partial(measured, base_url, is_watched=it) for it in (False, True))
        found = in_turns({"page": (alone, watched)}, rounds)["page"]
    print(f"{rounds} rounds of each side in turns")
    print_medians([*FIGURES, _CPU], ("without", "watched"), found)


if __name__ == "__main__":
    main()
