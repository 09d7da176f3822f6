"""Choose how a benchmark is measured: by one load, by a search, or by several searches.

Add here: another way of measuring. Keep out: carrying it out.
"""

from collections.abc import Callable

from perf_pipeline.config.profile import Profile
from perf_pipeline.loading.attempt import measure_if_possible
from perf_pipeline.loading.measure import measure
from perf_pipeline.loading.session import Session
from perf_pipeline.runs.capacity import find_capacity
from perf_pipeline.runs.scaling import find_scaling
from perf_pipeline.store.records import BenchmarkOutcome


def measured(session: Session, benchmark: str) -> BenchmarkOutcome:
    """Measure a benchmark in its way; if it can't begin, its outcome says why.

    Raises:
        GeneratorLimitError: this machine can't send requests, or can't write samples.
        RuntimeError: a load worker failed in an unexpected way.
    """
    return measure_if_possible(session, benchmark, way_of(session.profile, benchmark))


def way_of(profile: Profile, benchmark: str) -> Callable[[Session, str], BenchmarkOutcome]:
    """Return the function that measures a benchmark; it raises if the benchmark can't begin."""
    config = profile.benchmarks[benchmark]
    if config.capacity is None:
        return measure
    return find_capacity if config.scaling is None else find_scaling
