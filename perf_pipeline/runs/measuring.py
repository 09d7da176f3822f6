"""Choose how a benchmark is measured: by one load, by a search over many, or by several searches.

Add here: another way of measuring. Keep out: the ways themselves.
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
    """Measure a benchmark in its way; one that can't begin leaves an outcome that says why.

    Raises:
        GeneratorLimitError: this machine can't ask, or can't write what was measured.
        RuntimeError: a load worker failed in a way that nobody foresaw.
    """
    return measure_if_possible(session, benchmark, way_of(session.profile, benchmark))


def way_of(profile: Profile, benchmark: str) -> Callable[[Session, str], BenchmarkOutcome]:
    """Return what measures a benchmark of a profile; it raises where that can't begin."""
    config = profile.benchmarks[benchmark]
    if config.capacity is None:
        return measure
    return find_capacity if config.scaling is None else find_scaling
