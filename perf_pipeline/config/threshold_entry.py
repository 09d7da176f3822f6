"""A threshold as a profile writes it: a text, or a table with more keys.

Add here: a key of the table. Keep out: what the text means (metrics/threshold.py).
"""

from pydantic import Field

from perf_pipeline.config.durations import Duration
from perf_pipeline.config.frozen import Frozen
from perf_pipeline.metrics.scenario_tags import ScenarioTags
from perf_pipeline.metrics.threshold import Severity, Threshold, parse_threshold


class ThresholdEntry(Frozen):
    """Hold a threshold with its severity and with when it may abort the benchmark.

    Attributes:
        threshold: the text of the threshold.
        severity: `fail`, or `warn` for a goal that may be missed.
        abort_on_fail: end the benchmark as soon as the threshold fails (it is evaluated every 2 s).
        delay_abort_eval_us: how long the benchmark must have run before it may be ended.
    """

    threshold: str
    severity: Severity = "fail"
    abort_on_fail: bool = False
    delay_abort_eval_us: Duration = Field(default=0, alias="delayAbortEval", ge=0)


def parsed_entry(key: str, entry: str | ThresholdEntry, scenarios: ScenarioTags) -> Threshold:
    """Read a threshold that a profile writes as a text or a table.

    Args:
        key: the metric with the tag filter.
        entry: the threshold as it is written.
        scenarios: the tags of the benchmark's scenarios.

    Raises:
        ValueError: this is not a threshold; the sentence says why.
    """
    if isinstance(entry, str):
        return parse_threshold(key, entry, scenario_tags=scenarios)
    return parse_threshold(
        key,
        entry.threshold,
        severity=entry.severity,
        abort_on_fail=entry.abort_on_fail,
        delay_abort_eval_us=entry.delay_abort_eval_us,
        scenario_tags=scenarios,
    )
