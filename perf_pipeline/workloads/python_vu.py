"""The former name of perf_pipeline.scenario, for scenarios that were written with it.

Add here: nothing. Keep out: everything new.
"""

from perf_pipeline.scenario import VU, DeclaredScenario, ScenarioCode, scenario

__all__ = ["VU", "DeclaredScenario", "ScenarioCode", "scenario"]
