"""What `run --out` costs the measurement: the same load with and without it, in turns.

    python -m perf_pipeline_tests.benchmarks.bench_out [ROUNDS]

A server of the standard library is loaded with 300 requests per second for 10 s; points go to a
receiver that takes all of them. Add here: another figure that must not change. Keep out: receivers
that fail (integration/outputs).
"""

import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Final

from perf_pipeline_tests.benchmarks.two_sides import in_turns, print_medians
from perf_pipeline_tests.support.commands.command_line import CommandLine
from perf_pipeline_tests.support.servers.point_receiver import point_receiver
from perf_pipeline_tests.support.servers.serving import QuietHandler, serving

PROFILE: Final = """
name = "out"
workers = 2
calibration = false
target = "here"
[targets.here]
baseUrl = "{base_url}"
healthPath = "/"
[benchmarks.out.scenarios.buy]
exec = "http_steps"
executor = "constant-arrival-rate"
rate = 300
duration = "10s"
warmUp = "2s"
preAllocatedVUs = 50
[[benchmarks.out.scenarios.buy.parameters.steps]]
name = "pay"
path = "/pay"
"""
# Name and the SQL of each figure; ms, and percent of a core.
FIGURES: Final = {
    "service time p50, ms": "quantile_cont((ended_us - started_us) / 1e3, 0.5) from samples",
    "service time p95, ms": "quantile_cont((ended_us - started_us) / 1e3, 0.95) from samples",
    "lag of starts p99, ms": "quantile_cont((started_us - intended_us) / 1e3, 0.99) from samples",
    "service time p99, ms": "quantile_cont((ended_us - started_us) / 1e3, 0.99) from samples",
    "requests per second": "count(*) / ((max(ended_us) - min(intended_us)) / 1e6) from samples",
}


class Prompt(QuietHandler):
    """Answer in one segment, which no delayed acknowledgement holds up for 40 ms."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")


def measured(base_url: str, out: str) -> list[float]:
    """Run the load once and give its figures."""
    with tempfile.TemporaryDirectory() as folder:
        profile = Path(folder) / "out.toml"
        profile.write_text(PROFILE.format(base_url=base_url), encoding="utf-8")
        command = CommandLine(Path(folder))
        command("run", str(profile), "--confirm=0", *([f"--out=prometheus={out}"] if out else []))
        of_load = "where phase = 'measured'"
        return [float(command.value(f"select {sql} {of_load}")) for sql in FIGURES.values()]


def main() -> None:
    """Print each side's medians."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    with serving(Prompt) as base_url, point_receiver() as receiver:
        sides = (partial(measured, base_url, ""), partial(measured, base_url, receiver.url))
        found = in_turns({"out": sides}, rounds)["out"]
        points = len(receiver.remote_writes)
    print(f"{rounds} rounds of each side in turns; {points:,} points were taken")
    print_medians(list(FIGURES), ("without", "with --out"), found)


if __name__ == "__main__":
    main()
