"""What compiling is worth: µs of CPU of a load generator from its sources and from `make wheel`.

Both forms take turns, each in a process of its own, on one HTTP server that answers a constant and
one PostgreSQL with pgbench's tables (scale 10). Run by hand:
`python -m perf_pipeline_tests.benchmarks.bench_compiled WHEEL DSN [rounds [seconds]]`.
Add here: another load that both forms put on. Keep out: other generators (bench_generators.py).
"""

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import uvloop

from perf_pipeline.engine import recorder
from perf_pipeline_tests.benchmarks import bench_http_client, bench_http_steps, bench_scripts
from perf_pipeline_tests.support.places import ROOT

ROUNDS: Final = 3
SECONDS: Final = 3  # of a script; its workers report once a second
SCRIPTS: Final = (
    ("select-only", "prepared", 10, 1),
    ("select-only", bench_scripts.SQL_ALONE, 10, 1),
    ("simple-update", "prepared", 10, 1),
    ("tpcb-like", "prepared", 10, 1),
)
_FORMS: Final = ("sources", "wheel")


def measured(port: int, dsn: str, seconds: int) -> dict[str, float]:
    """Put all loads on, one after the other; give the µs of CPU of each request or transaction."""
    found = {}
    for name, case in bench_http_steps.CASES.items():
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            found[name], _ = runner.run(bench_http_steps.as_coroutine(case(port)))
    with tempfile.TemporaryDirectory() as folder:
        for case_of_sql in SCRIPTS:
            cpu_us: list[float] = []
            bench_scripts.ours(dsn, Path(folder), case_of_sql, seconds, cpu_us)
            found[", ".join(case_of_sql[:2])] = cpu_us[0]
    return found


def in_form(home: Path, *words: str) -> dict[str, float]:
    """Measure with the package of a folder."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "perf_pipeline_tests.benchmarks.bench_compiled", *words],
        env={**os.environ, "PYTHONPATH": f"{home}{os.pathsep}{ROOT}"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    answer = json.loads(done.stdout)
    assert answer["file"].startswith(str(home)), answer["file"]
    return {str(name): float(us) for name, us in answer["us"].items()}


def main(words: Sequence[str]) -> None:
    """Print a line for each load: the medians of both forms, and their ratio."""
    wheel, dsn, *numbers = words
    rounds = int(numbers[0]) if numbers else ROUNDS
    seconds = numbers[1] if len(numbers) > 1 else str(SECONDS)
    with tempfile.TemporaryDirectory() as folder:
        zipfile.ZipFile(wheel).extractall(folder)
        homes = {"sources": ROOT, "wheel": Path(folder).resolve()}
        command = [sys.executable, bench_http_client.__file__, "--serve"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            try:
                port = server.stdout.readline().strip()
                found: dict[str, list[dict[str, float]]] = {form: [] for form in _FORMS}
                for number in range(rounds):
                    for form in _FORMS if number % 2 == 0 else _FORMS[::-1]:
                        found[form].append(in_form(homes[form], "--child", port, dsn, seconds))
            finally:
                server.kill()
    print(f"{'µs of CPU':28}{'sources':>9}{'wheel':>8}{'ratio':>7}   of each round")
    for name in found["sources"][0]:
        before, after = ([round_[name] for round_ in found[form]] for form in _FORMS)
        ratios = [old / new for old, new in zip(before, after, strict=True)]
        print(
            f"{name:28}{statistics.median(before):9.1f}{statistics.median(after):8.1f}"
            f"{statistics.median(ratios):7.2f}   {', '.join(f'{ratio:.2f}' for ratio in ratios)}"
        )


if __name__ == "__main__":
    if sys.argv[1] == "--child":
        us = measured(int(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
        print(json.dumps({"file": recorder.__file__, "us": us}))
    else:
        main(sys.argv[1:])
