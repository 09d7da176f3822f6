"""What a window of a search says of the thresholds that it missed."""

import pytest

from perf_pipeline.metrics.threshold import Status, Verdict, parse_threshold
from perf_pipeline.runs.window_facts import facts_of
from perf_pipeline.runs.windows import JudgedWindow
from perf_pipeline_tests.support.histories.spool import complete


@pytest.mark.parametrize(
    ("observed", "reason", "told"),
    [
        (0.9, "it did not come back", "target_answered rate>=0.95 was 90 %"),
        (1.0, "all answers failed a check", "{} was 100 %, but all answers failed a check"),
    ],
)
def test_a_threshold_whose_figure_holds_says_what_failed_it(
    observed: float, reason: str, told: str
) -> None:
    threshold = parse_threshold("target_answered", "rate>=0.95")
    verdict = Verdict(threshold, observed, Status.FAIL, reason)
    window = JudgedWindow(complete(), (verdict,), 1.0, None, None, (), 0.0, {}, ())

    assert facts_of(window, 1.0, 1.0).misses == (told.format("target_answered rate>=0.95"),)
