"""The former name of perf_pipeline.scenario, for scenarios that were written with it.

Add here: nothing. Keep out: everything new.
"""

from perf_pipeline.scenario import VU, ScenarioCode, scenario
from perf_pipeline.scenario import DeclaredScenario as Scenario

__all__ = ["VU", "Scenario", "ScenarioCode", "scenario"]
