"""The profile of an imported run: its thresholds, and scenarios that another tool ran.

It is never run. How often another tool starts a scenario is not in its files, so that each stands
there with one VU for one second, and with the code `k6:scenario`, which nobody has here.

Add here: another thing that an imported run can be asked. Keep out: files of other tools.
"""

from typing import Any, Final

from perf_pipeline.config.loading import validate_profile
from perf_pipeline.config.profile import Profile
from perf_pipeline.importing.spooling import Import
from perf_pipeline.metrics.catalog import TARGET_ANSWERED
from perf_pipeline.store.imports.foreign import ForeignRun, WrittenThreshold

_STAND_IN: Final = {"executor": "constant-vus", "vus": 1, "duration": "1s"}


def made_profile(wanted: Import, run: ForeignRun) -> Profile:
    """Return the profile that an imported run is judged by.

    Args:
        wanted: what it is imported as; the tool is its only benchmark.
        run: with the thresholds of its file.

    Raises:
        ProfileError: a threshold or a name can't be one.
    """
    tool = wanted.tool.name
    thresholds: dict[str, list[Any]] = {key: list(texts) for key, texts in run.thresholds.items()}
    for key, texts in wanted.thresholds.items():
        known = thresholds.setdefault(key, [])
        written = {_text_of(threshold) for threshold in known}
        known += [threshold for threshold in texts if _text_of(threshold) not in written]
    if not run.has_requests and TARGET_ANSWERED not in thresholds:
        thresholds[TARGET_ANSWERED] = []
    scenarios = {
        scenario.name: {**_STAND_IN, "exec": f"{tool}:scenario"} for scenario in run.scenarios
    }
    raw = {
        "name": wanted.name,
        "description": f"Imported from {tool}; it can't be run here.",
        "calibration": False,
        "benchmarks": {
            tool: {
                "description": f"What {tool} measured.",
                "scenarios": scenarios,
                "thresholds": thresholds,
            }
        },
    }
    return validate_profile(raw, f"of the imported {tool} run")


def _text_of(threshold: WrittenThreshold) -> object:
    return threshold if isinstance(threshold, str) else threshold.get("threshold")
