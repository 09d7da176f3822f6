"""Says whether events became more frequent, by an exact test of counts.

Add here: another exact test. Keep out: what counts as an event (judged.py).
"""

from typing import Final

from perf_pipeline.analysis.special import special

LEAST_RISE: Final = 0.5
"""A rate that has risen for certain matters from half as high again on."""

LEAST_POINTS: Final = 0.001
"""The smallest change of a rate that keeps a run out of the baseline, where requests are known."""


def rose_by_chance(events: float, before: float, share: float) -> float:
    """Return the probability of at least this many events if nothing has changed.

    Given all events, those of the newest run are binomial with its share of the opportunities.
    Source: Przyborowski and Wilenski (1940), Homogeneity of results in testing samples from Poisson
    series, Biometrika 31.

    Args:
        events: the events of the newest run.
        before: the events of all runs of the baseline together.
        share: the share of the newest run's opportunities (requests) in those of all runs, above 0,
            below 1.

    >>> rose_by_chance(2, 0, 0.1)  # both events in the one run of ten
    0.01
    """
    if events <= 0:
        return 1.0
    return round(float(special().betainc(events, before + 1, share)), 12)
