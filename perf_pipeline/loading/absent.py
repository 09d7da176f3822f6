"""Find the benchmarks that a run has to skip, because the target has no such part.

Add here: another sign that a part is absent. Keep out: which benchmark is optional (benchmarks/),
and what a part needs before it is loaded (needs.py).
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from perf_pipeline.benchmarks.record import Part
from perf_pipeline.benchmarks.registry import is_shipped, record_of
from perf_pipeline.config.profile import Profile
from perf_pipeline.config.target import Target
from perf_pipeline.errors import TargetUnavailableError

REDIS_REMEDY: Final = (
    "set PERF_REDIS_URL (or the variable that redisUrlEnv names); if the system is started here, "
    "`perf-pipeline doctor` says how to get a Redis"
)
_WORDS: Final[Mapping[Part, str]] = MappingProxyType(
    {Part.API: "API", Part.POSTGRES: "PostgreSQL", Part.BROKERS: "brokers", Part.REDIS: "Redis"}
)


def left_out_of(
    profile: Profile, planned: Sequence[str], target: Target, *, by_name: bool = False
) -> dict[str, str]:
    """Return, by benchmark, why a run leaves optional benchmarks out.

    Only a run of the whole profile leaves any out: if benchmarks are named, they run, or there is
    an error.

    Args:
        profile: the profile of the run.
        planned: benchmarks that were asked for.
        target: the target, with the addresses of all its parts.
        by_name: whether each benchmark was named, even if these are all of them.

    Raises:
        TargetUnavailableError: there would be nothing left to measure.
    """
    enabled = (name for name in profile.benchmark_names if profile.benchmarks[name].enabled)
    if by_name or any(is_shipped(name) for name in set(enabled) - set(planned)):
        return {}
    found = {
        name: f"{name} is left out, because target {target.name} has no {_WORDS[absent]}"
        for name in planned
        if record_of(name).is_optional and (absent := _absent_of(name, target))
    }
    if found and len(found) == len(planned):
        raise TargetUnavailableError("; ".join(found.values()), hint=REDIS_REMEDY)
    return {name: f"{why}; {REDIS_REMEDY}" for name, why in found.items()}


def _absent_of(benchmark: str, target: Target) -> Part | None:
    there = target.addresses
    return next((part for part in sorted(record_of(benchmark).needs) if not there[part]), None)
