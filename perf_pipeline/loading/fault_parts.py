"""Refuse faults of parts that a run does not start, before anything is sent.

Add here: another reason why a fault can't hit the part that it names. Keep out: keys and times of
faults (config/), and breaking things (fault_driver.py).
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from perf_pipeline.benchmarks.record import Part
from perf_pipeline.config.fault_keys import SERVERS
from perf_pipeline.config.faults import Fault
from perf_pipeline.config.parameters import iteration_kind
from perf_pipeline.config.profile import Profile
from perf_pipeline.config.target import Target
from perf_pipeline.errors import ProfileError
from perf_pipeline.loading.given_parts import is_found, is_here, places_before, stack_options
from perf_pipeline.stack.small_disk import small_disk_obstacle

_REMEDY = (
    'write kind = "command" for your own system, such as run = "docker kill api" and undo = '
    '"docker start api"'
)
_PARTS: Final[Mapping[str, Part]] = MappingProxyType(
    {
        "api": Part.API,
        "postgres": Part.POSTGRES,
        "redis": Part.REDIS,
        "broker": Part.BROKERS,
    }
)
_NOUNS: Final = MappingProxyType({"api": "an API", "postgres": "a PostgreSQL", "redis": "a Redis"})


def require_fault_parts(profile: Profile, benchmarks: Sequence[str], target: Target) -> None:
    """Refuse a profile with faults of parts that a run of these benchmarks does not start.

    Raises:
        ProfileError: there are such faults; the message names all of them.
    """
    started = started_parts(profile, benchmarks, target)
    given = {"postgres": target.postgres_dsn, "redis": target.redis_url}
    there = started | {name for name, address in given.items() if address}
    if target.brokers:
        there |= {"broker"}
    problems = [
        *_problems(profile, benchmarks, started),
        *_links_of_others(profile, benchmarks, started, target),
        *_links_without_load(profile, benchmarks),
        *_fleet_links(profile, benchmarks),
        *_absent_servers(profile, benchmarks, there),
    ]
    problems = problems or [*_disks_not_to_be_had(profile, benchmarks)]
    if problems:
        raise ProfileError(profile.name, problems, hint="docs/faults.md describes all faults")


def _problems(
    profile: Profile, benchmarks: Sequence[str], started: Collection[str]
) -> Iterator[str]:
    ours = ", ".join(sorted(started)) or "no part"
    for place, fault in _placed(profile, benchmarks):
        if fault.part is not None and fault.part not in started:
            yield (
                f"{place}.part is {fault.part!r}, which this run does not start (it starts "
                f"{ours}); {_REMEDY}"
            )


def _links_of_others(
    profile: Profile, benchmarks: Sequence[str], started: Collection[str], target: Target
) -> Iterator[str]:
    ours = ", ".join(sorted(started)) or "no part"
    given = places_before(target)
    if started:
        # The proxy of a stack knows the servers of this machine, and the brokers that it starts.
        given = {part: it for part, it in given.items() if is_here(it) and part != "broker"}
    for place, fault in _placed(profile, benchmarks):
        if fault.to is None:
            continue
        if fault.to not in started and fault.to not in given:
            yield (
                f"{place}.to is {fault.to!r}, which this run does not start (it starts {ours}), so "
                f"that its connections go past the proxy, which {_reach(fault.to)}; {_REMEDY}"
            )
        elif fault.client not in {None, "load", *started}:
            yield (
                f"{place}.from is {fault.client!r}, which this run does not start (it starts "
                f"{ours}), so that its connections go past the proxy; {_REMEDY}"
            )
        elif fault.client is None and fault.to != "api" and not {fault.to, "api"} & {*started}:
            yield (
                f"{place} hinders all connections to {fault.to}, which this run does not start, "
                'and only those of the load can go through its proxy; write from = "load"'
            )


def _reach(server: str) -> str:
    if server == "broker":
        return (
            "stands before brokers only where nothing else starts, and goes by no ssl.crl.location,"
            " ssl.providers or list of ciphers, curves or signatures"
        )
    return (
        f"can stand before {_NOUNS[server]} at one named host and port only, and where other parts "
        "start at 127.0.0.1 or localhost only"
    )


def _links_without_load(profile: Profile, benchmarks: Sequence[str]) -> Iterator[str]:
    """Refuse faults that hinder nothing, since the target would seem to survive them."""
    for name in benchmarks:
        kinds = [iteration_kind(it.exec) for it in profile.benchmarks[name].scenarios.values()]
        parts = {kind.part for kind in kinds if kind is not None}
        for place, fault in _placed(profile, [name]):
            is_of_load = {client for client, _ in fault.links} == {"load"}  # as all to the API are
            if is_of_load and fault.to is not None and _PARTS[fault.to] not in parts:
                others = "" if fault.to == "api" else "write from which part, or "
                yield (
                    f"{place} hinders connections of the load to {fault.to}, and no scenario of "
                    f"{name} has any; {others}leave it out"
                )


def _fleet_links(profile: Profile, benchmarks: Sequence[str]) -> Iterator[str]:
    for place, fault in _placed(profile, benchmarks):
        if profile.fleet is not None and any(client == "load" for client, _ in fault.links):
            yield (
                f"{place} hinders connections of the load, whose workers are on the hosts of a "
                "fleet, and the proxy is at 127.0.0.1 of this machine; leave out the fault or the "
                "fleet"
            )


def _absent_servers(
    profile: Profile, benchmarks: Sequence[str], there: Collection[str]
) -> Iterator[str]:
    for place, fault in _placed(profile, benchmarks):
        server = SERVERS.get(fault.kind)
        if server is not None and server not in there:
            yield (
                f"{place}.kind is {fault.kind!r}, and the target has no {server}; give its "
                "address, as docs/targets.md says"
            )


def _disks_not_to_be_had(profile: Profile, benchmarks: Sequence[str]) -> Iterator[str]:
    for place, fault in _placed(profile, benchmarks):
        if fault.kind == "full_disk" and (why := small_disk_obstacle()):
            yield (
                f"{place}.kind is 'full_disk', and {fault.part} can't be given a disk of its own "
                f"here: {why}; leave the fault out, or run as root on Linux where loop devices can "
                "be mounted"
            )


def _placed(profile: Profile, benchmarks: Sequence[str]) -> Iterator[tuple[str, Fault]]:
    for name in benchmarks:
        for number, fault in enumerate(profile.benchmarks[name].faults):
            yield f"benchmarks.{name}.faults[{number}]", fault


def started_parts(profile: Profile, benchmarks: Sequence[str], target: Target) -> set[str]:
    """Name the parts of the system that a run of these benchmarks starts."""
    if is_found(target):
        return set()
    options = stack_options(profile, target, benchmarks)
    given = {
        "postgres": options.postgres_dsn,
        "kafka": options.brokers,
        "redis": options.redis_url,
    }
    names = {"kafka": ("broker",), "reference": ("api", "worker", "relay")}
    return {
        name
        for part in options.parts
        if given.get(part) is None
        for name in names.get(part, (part,))
    }
