"""Scale systems whose law is known by hand: the tables of docs/scaling.md.

    PYTHONPATH=. python perf_pipeline_tests/benchmarks/bench_scaling.py simulated [searches]
    PYTHONPATH=. python perf_pipeline_tests/benchmarks/bench_scaling.py workers [window] [units ...]
    PYTHONPATH=. python perf_pipeline_tests/benchmarks/bench_scaling.py [window] [units ...]

The second is a whole run of the reference system, whose workers have two hands each that need 100
ms for a message, behind an API that never slows: each carries 20/s, and they need no core for it.
The third is one against a token bucket in this process, whose rate follows the number of units that
a command writes into a file.
Add here: another system with a law. Keep out: assertions (tests have them).
"""

import json
import math
import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Final

from perf_pipeline.analysis.scaling import ScalabilityLaw, fitted
from perf_pipeline_tests.support.scaled import holds_all, simulated
from perf_pipeline_tests.support.servers.capacity_targets import ScaledBucket, capacity_target

ONE: Final = 60.0
SIGMA: Final = 0.1
KAPPA: Final = 0.02
_PROFILE: Final = """
name = "truth"
target = "truth"
workers = 1

[targets.truth]
baseUrl = "{url}"

[benchmarks.load.scenarios.ask]
exec = "http_steps"
executor = "constant-arrival-rate"
rate = 40
duration = "10s"
preAllocatedVUs = 50
parameters.steps = [{{ name = "ask", path = "/ask", expect.status = 200 }}]

[benchmarks.load.thresholds]
http_req_failed = ["rate<0.01"]
"""


def scaled(window: str, units: str) -> dict[str, Any]:
    """Scale the server, and return what the run's summary says."""
    with TemporaryDirectory() as folder:
        file, path = Path(folder) / "units", Path(folder) / "truth.toml"
        file.write_text("1", encoding="utf-8")
        with capacity_target(ScaledBucket(ONE, file=file, sigma=SIGMA, kappa=KAPPA)) as url:
            path.write_text(_PROFILE.format(url=url), encoding="utf-8")
            command = [sys.executable, "-m", "perf_pipeline", "--state", f"{folder}/state"]
            command += ["scaling", str(path), "--json", "--window", window, "--units", units]
            command += ["--run", f"echo {{n}} > {file}", "--usual", "1", "--cores", "64"]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    found = json.loads(done.stdout)["perf_pipeline"]["benchmarks"]["load_scaling"]["scaling"]
    return dict(found)


def workers(window: str, units: str) -> dict[str, Any]:
    """Scale the reference system's workers, and return what the run's summary says."""
    with TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "perf_pipeline", "--state", f"{folder}/state", "scaling"]
        command += ["quick", "--set", "workers=1", "--json", "--of", "end_to_end", "--hint", "16/s"]
        command += ["--part", "worker", "--units", units, "--window", window, "--cores", "64"]
        environment = {**os.environ, "BIRTHDAY_SEND_MS": "100..100"}
        environment["BIRTHDAY_WORKER_CONCURRENCY"] = "2"
        done = subprocess.run(
            command, stdout=subprocess.PIPE, text=True, check=False, env=environment
        )
    found = json.loads(done.stdout)["perf_pipeline"]["benchmarks"]["end_to_end_scaling"]["scaling"]
    return dict(found)


def by_partitions(workers: int) -> float:
    """Return what workers carry: the one with most of the 6 partitions has the most to do."""
    return 20.0 * 6 / math.ceil(6 / workers)


def by_hand(units: int) -> float:
    """Return the capacity of so many units."""
    return ONE * units / (1 + SIGMA * (units - 1) + KAPPA * units * (units - 1))


def simulate(count: int) -> None:
    """Print how often all intervals hold the truth, and how wide they are."""
    for units in ((1, 2, 4), (1, 2, 4, 8)):
        for sigma, kappa in ((0.05, 0.01), (0.2, 0.0), (0.02, 0.001)):
            law = ScalabilityLaw(80.0, sigma, kappa)
            fits = [fitted(list(simulated(law, seed, units))) for seed in range(count)]
            found = [fit for fit in fits if fit is not None]
            held = sum(holds_all(fit, law) for fit in found)
            wide = [
                median(its.high - its.low for its in coefficients)
                for coefficients in ([f.sigma for f in found], [f.kappa for f in found])
            ]
            print(
                f"| {units} | {sigma} | {kappa} | {held} of {len(fits)} | "
                f"{len(fits) - len(found)} | {wide[0]:.3f} | {wide[1]:.4f} |",
                flush=True,
            )


if __name__ == "__main__":
    if sys.argv[1:2] == ["simulated"]:
        simulate(int((sys.argv[2:] or ["100"])[0]))
        sys.exit()
    is_ours = sys.argv[1:2] == ["workers"]
    words = sys.argv[2:] if is_ours else sys.argv[1:]
    given = ",".join(words[1:] or ["1", "2", "4"])
    found = (workers if is_ours else scaled)((words or ["5s"])[0], given)
    print(found["sentence"])
    print("| units | by hand | found | between | windows |\n| --- | --- | --- | --- | --- |")
    for point in found["points"]:
        true = by_partitions(point["units"]) if is_ours else by_hand(point["units"])
        print(
            f"| {point['units']} | {true:.1f}/s | {point['kind']} "
            f"{point['per_s']} | {point['low_per_s']} and {point['high_per_s']} | "
            f"{len(point['windows'])} |"
        )
    for name in ("lambda_per_s", "sigma", "kappa", "peak_units"):
        print(name, found[name])
