"""Say which parts of the reference system a scaling run may resize, and their usual numbers.

Add here: another part whose number can be set, or another reason why it can't be set. Keep out:
setting it (unit_setter.py, stack/resizing.py), and the keys (config/scaling.py).
"""

from collections.abc import Collection, Sequence

from perf_pipeline.config.profile import Profile
from perf_pipeline.config.scaling import ScalingConfig
from perf_pipeline.config.target import Target
from perf_pipeline.errors import ProfileError
from perf_pipeline.loading.fault_parts import started_parts
from perf_pipeline.stack.reference import PARTITIONS


def usual_units(profile: Profile, wanted: ScalingConfig) -> int:
    """Return the usual number of units, when no scaling run sets it."""
    match wanted.part:
        case None:
            assert wanted.usual is not None
            return wanted.usual
        case "api":
            return profile.api_processes
        case "worker":
            return profile.worker_processes
        case "partitions":
            return PARTITIONS


def with_units(profile: Profile, wanted: ScalingConfig, units: int) -> Profile:
    """Return a profile with the numbers of processes while this many units are loaded."""
    match wanted.part:
        case "api":
            return profile.model_copy(update={"api_processes": units})
        case "worker":
            return profile.model_copy(update={"worker_processes": units})
        case _:
            return profile


def require_scaled_parts(profile: Profile, benchmarks: Sequence[str], target: Target) -> None:
    """Refuse a profile that scales a part that a run of these benchmarks does not have.

    Raises:
        ProfileError: there are such parts; the message names all of them.
    """
    started = started_parts(profile, benchmarks, target)
    problems = [
        f"benchmarks.{name}.scaling.part is {wanted.part!r}, and {why}"
        for name in benchmarks
        if (wanted := profile.benchmarks[name].scaling) is not None
        and (why := _obstacle(wanted, started))
    ]
    if problems:
        raise ProfileError(profile.name, problems, hint="docs/scaling.md describes both")


def _obstacle(wanted: ScalingConfig, started: Collection[str]) -> str:
    """Say why a number can't be set; empty if it can."""
    if wanted.part is None:
        return ""
    if "worker" not in started:
        return (
            "this run does not start the reference system; write run and usual for a system of "
            "your own"
        )
    if wanted.part == "partitions" and "broker" not in started:
        return (
            "the broker is a given one, where no topic is deleted; leave PERF_KAFKA_BROKERS out, "
            "so that the run starts a broker"
        )
    return ""
