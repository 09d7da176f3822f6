"""A capacity among the series that runs are compared by."""

from perf_pipeline.config.loading import validate_profile
from perf_pipeline.judging.capacities import plan_of
from perf_pipeline.judging.series import series_of

STEPS = {"steps": [{"name": "ok", "path": "/ok"}]}
OPEN = {"executor": "constant-arrival-rate", "rate": 5, "duration": "5s", "preAllocatedVUs": 2}
RAW = {
    "name": "mine",
    "benchmarks": {
        "shop": {"scenarios": {"buy": {**OPEN, "exec": "http_steps", "parameters": STEPS}}},
        "much": {
            "capacity": {"of": "shop", "hint": "40/s", "highest": "90/s", "maxWindows": 9},
            "thresholds": {"capacity_per_day": ["value>=1000000"]},
        },
    },
}


def test_a_capacity_is_compared_over_runs_and_higher_is_better() -> None:
    series = series_of(validate_profile(RAW, "mine.toml"), "much")
    capacities = [found for found in series if found.metric.startswith("capacity_")]

    # What it is in a day, and beside a target, follows from it: one change is one finding.
    assert [found.label for found in capacities] == ["capacity_per_s value"]
    assert capacities[0].better == "higher"


def test_a_search_goes_as_the_profile_says() -> None:
    profile = validate_profile(RAW, "mine.toml")
    wanted = profile.benchmarks["much"].capacity
    assert wanted is not None
    plan = plan_of(profile, wanted)

    assert (plan.hint, plan.highest, plan.max_windows, plan.confirm) == (40.0, 90.0, 9, 3)
    assert plan.lowest == 1 / 6  # 10 a minute, above 40/s / 256
