"""The examples of scenarios of one's own load as much as their thresholds ask for.

A run of them with a smaller load is in integration/cli/test_own_steps.py.
"""

import pytest

from perf_pipeline.config.executors.constant_arrival_rate import ConstantArrivalRate
from perf_pipeline.config.loading import load_profile
from perf_pipeline_tests.support.places import ROOT


@pytest.mark.parametrize(
    ("benchmark", "file"), [("signup", "signup.toml"), ("visits", "shop_visits.toml")]
)
def test_as_many_iterations_are_started_after_the_warm_up_as_the_threshold_counts(
    benchmark: str, file: str
) -> None:
    config = load_profile(str(ROOT / "examples" / file)).benchmarks[benchmark]
    (scenario,) = config.scenarios.values()
    (asked,) = (limit for limit in config.parsed_thresholds() if limit.metric == "http_reqs")

    assert asked.tags == {"operation": "sign up"}
    assert (asked.statistic, asked.comparison) == ("count", ">=")
    assert isinstance(scenario.plan, ConstantArrivalRate)
    assert scenario.plan.time_unit_us == 1_000_000
    measured_s = (scenario.plan.duration_us - scenario.warm_up_us) / 1e6
    assert scenario.plan.rate * measured_s >= asked.bound > 0
