"""The profile of an imported run: its thresholds, and scenarios that another tool ran.

It is never run. How often another tool starts a scenario is not in its files, so that each stands
there with one VU for one second, and with the code `k6:scenario`, which nobody has here.

Add here: another thing that an imported run can be asked. Keep out: files of other tools.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from perf_pipeline.config.loading import validate_profile
from perf_pipeline.config.profile import Profile
from perf_pipeline.metrics.catalog import TARGET_ANSWERED
from perf_pipeline.store.imports.foreign import ForeignRun, WrittenThreshold

_STAND_IN: Final = {"executor": "constant-vus", "vus": 1, "duration": "1s"}


def made_profile(
    name: str,
    benchmark: str,
    tool: str,
    run: ForeignRun,
    also: Mapping[str, Sequence[WrittenThreshold]],
) -> Profile:
    """Return the profile that an imported run is judged by.

    Args:
        name: of the profile; runs of the same name are compared.
        benchmark: its only benchmark.
        tool: that measured.
        run: with the thresholds of its file.
        also: thresholds of the command line.

    Raises:
        ProfileError: a threshold or a name can't be one.
    """
    thresholds: dict[str, list[Any]] = {key: list(them) for key, them in run.thresholds.items()}
    for key, them in also.items():
        known = thresholds.setdefault(key, [])
        known += [text for text in them if text not in known]
    if not run.has_requests and TARGET_ANSWERED not in thresholds:
        thresholds[TARGET_ANSWERED] = []
    scenarios = {
        scenario.name: {**_STAND_IN, "exec": f"{tool}:scenario"} for scenario in run.scenarios
    }
    raw = {
        "name": name,
        "description": f"Imported from {tool}; it can't be run here.",
        "calibration": False,
        "benchmarks": {
            benchmark: {
                "description": f"What {tool} measured.",
                "scenarios": scenarios,
                "thresholds": thresholds,
            }
        },
    }
    return validate_profile(raw, f"of the imported {tool} run")
