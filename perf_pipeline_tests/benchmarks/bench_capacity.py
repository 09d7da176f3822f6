"""Search real servers whose capacity is known by hand: the table of docs/capacity.md.

Run with: PYTHONPATH=. python perf_pipeline_tests/benchmarks/bench_capacity.py [window] [system ...]

Each search is a whole run of the command line against a server in this process, so that the machine
has to have a core for either. Add here: another system of support/servers/capacity_targets.py. Keep
out: assertions (tests have them).
"""

import json
import math
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Final

from perf_pipeline_tests.support.servers.capacity_targets import (
    Bucket,
    Hands,
    Model,
    SingleServer,
    capacity_target,
)

_HEAD: Final = """
name = "truth"
target = "truth"
workers = 1

[targets.truth]
baseUrl = "{url}"

[benchmarks.load]
enabled = false

[benchmarks.load.scenarios.ask]
exec = "http_steps"
executor = "constant-arrival-rate"
rate = {hint}
duration = "10s"
preAllocatedVUs = 50

[[benchmarks.load.scenarios.ask.parameters.steps]]
name = "ask"
{step}

[benchmarks.truth]
capacity = {{ of = "load", window = "{window}" }}

[benchmarks.load.thresholds]
{thresholds}
"""
_PLAIN: Final = 'path = "/ask"\nexpect = { status = 200 }'
_PROMISE: Final = """method = "POST"
path = "/messages"
expect = { status = 201 }
save = { id = "$.id" }
message = "${id}"
"""
_DELIVERIES: Final = """
[benchmarks.load.deliveries]
path = "/messages/${message}"
done = { "$.state" = "done" }
every = "500ms"
"""


@dataclass(frozen=True, slots=True)
class System:
    """Hold a system and what is asked of it.

    Attributes:
        model: makes it.
        capacity: by hand, starts per second.
        thresholds: of the load, as TOML.
        step: what an iteration does, as TOML.
        more: of the profile.
    """

    model: Callable[[], Model]
    capacity: float
    thresholds: str
    step: str = _PLAIN
    more: str = ""


def evenly_served(mu: float, bound_s: float) -> float:
    """Return the rate at which the p95 of a single server reaches a bound, for even arrivals.

    D/M/1: the sojourn time is exponential with the rate mu (1 - s), where s = exp(-mu (1 - s) /
    lambda); so 1 - s = ln 20 / (mu bound), and lambda = -mu (1 - s) / ln s (Kleinrock 1975,
    Queueing Systems 1, section 6.4).
    """
    free = math.log(20) / (mu * bound_s)
    return -mu * free / math.log(1 - free)


SYSTEMS: Final[Mapping[str, System]] = MappingProxyType(
    {
        "bucket": System(lambda: Bucket(120.0), 120.0, 'http_req_failed = ["rate<0.01"]'),
        "queue": System(
            lambda: SingleServer(200.0),
            evenly_served(200.0, 0.1),
            'http_req_duration = ["p(95)<100"]',
        ),
        "hands": System(
            lambda: Hands(8, 0.1), 80.0, 'messages_lost = ["value<=0"]', _PROMISE, _DELIVERIES
        ),
        "memory": System(
            lambda: SingleServer(200.0, slower=0.05),
            evenly_served(200.0, 0.1),
            'http_req_duration = ["p(95)<100"]',
        ),
    }
)


def searched(name: str, window: str) -> str:
    """Search a system, and return its row of the table."""
    system = SYSTEMS[name]
    with TemporaryDirectory() as folder, capacity_target(system.model()) as url:
        path = Path(folder) / "truth.toml"
        path.write_text(
            _HEAD.format(
                url=url,
                hint=40,
                step=system.step,
                window=window,
                thresholds=system.thresholds,
            )
            + system.more,
            encoding="utf-8",
        )
        command = [sys.executable, "-m", "perf_pipeline", "--state", f"{folder}/state", "run"]
        done = subprocess.run(
            [*command, str(path), "--json"], capture_output=True, text=True, check=False
        )
    found = json.loads(done.stdout)["perf_pipeline"]["benchmarks"]["truth"]["capacity"]
    rate = found["per_s"] or 0.0
    return (
        f"| {name} | {system.capacity:.1f}/s | {found['kind']} {rate:.1f}/s "
        f"({rate / system.capacity - 1:+.1%}) | {found['low_per_s'] or 0:.1f} to "
        f"{found['high_per_s'] or 0:.1f} | {len(found['windows'])} |"
    )


if __name__ == "__main__":
    print("| system | by hand | found | between | windows |\n| --- | --- | --- | --- | --- |")
    for wanted in sys.argv[2:] or SYSTEMS:
        print(searched(wanted, (sys.argv[1:] or ["10s"])[0]), flush=True)
