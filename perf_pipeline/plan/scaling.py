"""Say which numbers of units a scaling run can tell apart on this machine.

Add here: another reason why a number of units can't be measured. Keep out: the keys
(config/scaling.py).
"""

from perf_pipeline.config.hosts import is_this_machine
from perf_pipeline.config.profile import Profile
from perf_pipeline.config.scaling import ScalingConfig
from perf_pipeline.config.target import Target, read_addresses


def free_cores(profile: Profile, target: Target, wanted: ScalingConfig, cores: int) -> int | None:
    """Return how many cores units may use; None if the target is not on this machine.

    A target without an API is the reference system, which runs here.

    Args:
        profile: the profile, whose load workers use a core each.
        target: the target.
        wanted: the scaling run.
        cores: the number of cores that may be used on this machine.
    """
    if wanted.cores is not None:
        return wanted.cores
    return max(0, cores - profile.workers) if _is_here(target) else None


def busy_units(profile: Profile, wanted: ScalingConfig) -> int:
    """Return how many cores the most units keep busy; for partitions, their workers."""
    most = wanted.units[-1]
    return min(most, profile.worker_processes) if wanted.part == "partitions" else most


def cores_short(units: int, free: int | None, workers: int, cores: int) -> str:
    """Say why a number of units shares cores with the load generator; empty if it does not.

    >>> cores_short(2, 2, 2, 4)
    ''
    """
    if free is None or units <= free:
        return ""
    return (
        f"{units} units need {units} cores, and of the {cores} cores that may be used here the "
        f"load generator leaves {free} (workers = {workers}); try fewer, load from another "
        "machine, or say how many cores the units have (cores)"
    )


def _is_here(target: Target) -> bool:
    """Say whether any part of a target is on this machine; a target without addresses runs here."""
    places = [place for read in read_addresses(target).values() for place in read.places]
    return not places or any(is_this_machine(place.host) for place in places)
