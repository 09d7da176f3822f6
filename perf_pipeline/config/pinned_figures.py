"""Rules about the pinned figures of a profile: the benchmark, metric and statistic must exist.

Add here: another rule about pinned figures. Keep out: their keys (profile.py), and comparing
(analysis/).
"""

from collections.abc import Iterator

from perf_pipeline.config.profile import Profile
from perf_pipeline.metrics.statistic import COMPARED, compared_statistic
from perf_pipeline.metrics.threshold import NO_SCENARIOS, parse_threshold
from perf_pipeline.spelling import meant


def pinned_mistakes(profile: Profile) -> Iterator[str]:
    """Find pinned figures of benchmarks, metrics or statistics that don't exist."""
    for number, pinned in enumerate(profile.baseline.pinned):
        path = f"baseline.pinned[{number}]"
        config = profile.benchmarks.get(pinned.benchmark)
        if config is None:
            yield (
                f"{path}.benchmark is {pinned.benchmark!r}, which is not a benchmark of this "
                f"profile{meant(pinned.benchmark, profile.benchmarks)}"
            )
        tags = config.scenario_tags if config else NO_SCENARIOS
        expression = f"{pinned.statistic}<={pinned.value!r}"
        try:
            parse_threshold(pinned.metric, expression, scenario_tags=tags)
        except ValueError as error:
            yield f"{path}: {error}"
            continue
        if compared_statistic(pinned.statistic) is None:
            names = ", ".join(COMPARED)
            yield (
                f"{path}.statistic is {pinned.statistic!r}; it must be one that runs are compared "
                f"by: {names}"
            )
