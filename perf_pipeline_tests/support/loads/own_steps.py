"""Give steps to a worker as a profile writes them, and ask the shop what arrived.

Add here: what several tests of own steps do before they look. Keep out: assertions, the shop.
"""

import json
import urllib.request
from typing import Any

from perf_pipeline.config.scenario import Scenario
from perf_pipeline.engine.ports import WorkerContext
from perf_pipeline.metrics.sample import Outcome, Sample
from perf_pipeline_tests.support.loads.http_worker import context

Table = dict[str, Any]


def own(base_url: str, *steps: Table, **more: Any) -> WorkerContext:
    """Give a worker's context for steps, their parameters written as the profile writes them."""
    names = ("worker", "workers", "vus", "secrets")
    worker = {name: more.pop(name) for name in names if name in more}
    folder = str(more.pop("folder", "."))
    ids_files = more.pop("ids_files", {})
    scenario = Scenario.model_validate(
        {
            "executor": "constant-vus",
            "duration": "1s",
            "exec": "http_steps",
            "parameters": {"steps": list(steps), **more},
        }
    )
    parameters = scenario.parameters.model_dump(mode="json", by_alias=True)
    return context(base_url, own=parameters, folder=folder, ids_files=ids_files, **worker)


def told(shop: str) -> list[str]:
    """Ask the shop, with a client of another make, which requests it has seen since."""
    with urllib.request.urlopen(f"{shop}/seen", timeout=5) as response:  # noqa: S310 (loopback)
        return [f"{request['method']} {request['target']}" for request in json.load(response)]


def echo(**keys: Any) -> Table:
    """Give a step that posts to the echo."""
    return {"name": "echo", "method": "POST", "path": "/echo", **keys}


def summary(samples: list[Sample]) -> list[tuple[str, Outcome, int]]:
    """Give operation, outcome and status of each sample."""
    return [(sample.operation, sample.outcome, sample.status) for sample in samples]
