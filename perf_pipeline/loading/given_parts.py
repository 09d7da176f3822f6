"""Decide which parts of the target a run starts on this machine, and which it uses as they are.

A user's system is loaded as it is: nothing is started to replace a part that it lacks. The target
`local` is this machine: there a run starts the parts that its benchmarks need and nobody provides.
Add here: another rule about who starts a part. Keep out: starting parts (stack/), and benchmarks
that lack a part (needs.py).
"""

from collections.abc import Collection
from dataclasses import replace
from typing import Final

from perf_pipeline.benchmarks.record import Part
from perf_pipeline.config.broker_address import read_brokers
from perf_pipeline.config.hosts import LOCALHOST, Place
from perf_pipeline.config.kafka_client import client_properties
from perf_pipeline.config.kafka_tls import UNREAD
from perf_pipeline.config.needed_parts import draws_users, parts_of_all
from perf_pipeline.config.postgres_address import dsn_place
from perf_pipeline.config.profile import Profile
from perf_pipeline.config.redis_address import redis_place
from perf_pipeline.config.target import LOCAL, Target
from perf_pipeline.config.web_address import WebAddress
from perf_pipeline.stack.parts import PARTS, StackOptions

_SERVERS: Final = ((Part.POSTGRES, "postgres"), (Part.BROKERS, "kafka"), (Part.REDIS, "redis"))
_BEFORE: Final = ("127.0.0.1", LOCALHOST)


def places_before(target: Target) -> dict[str, Place]:
    """Return by part the places of given servers in front of which a proxy can be put.

    For brokers it is the first bootstrap server.
    """
    found = dict[str, Place | None]()
    if target.base_url is not None:
        address = WebAddress.read_base(target.base_url)
        found["api"] = Place(address.host, address.port)
    if target.postgres_dsn is not None:
        found["postgres"] = dsn_place(target.postgres_dsn)
    if target.redis_url is not None:
        found["redis"] = redis_place(target.redis_url)
    places = {
        part: replace(place, host=_BEFORE[0]) if is_here(place) else place
        for part, place in found.items()
        if place is not None
    }
    if target.brokers is not None and not client_properties(target.brokers).keys() & UNREAD:
        places["broker"] = read_brokers(target.brokers, ()).places[0]
    return places


def is_here(place: Place) -> bool:
    """Say whether a place is this machine's 127.0.0.1, by address or by name."""
    return place.host in _BEFORE


def is_found(target: Target) -> bool:
    """Say whether a target is a user's system, in which nothing is started."""
    return target.base_url is not None or target.name != LOCAL


def stack_options(profile: Profile, target: Target, planned: Collection[str] = ()) -> StackOptions:
    """Say what the embedded stack has to start for these benchmarks; everything when empty.

    The reference system is a whole: a benchmark that needs its API also gets its database, broker
    and workers. Without the API, only the needed servers start, and given servers are left alone.
    """
    needed = parts_of_all(profile, planned) if planned else frozenset(Part)
    whole = StackOptions(
        postgres_dsn=target.postgres_dsn,
        brokers=target.brokers,
        redis_url=target.redis_url,
        allowed=target.allowed,
        api_processes=profile.api_processes,
        worker_processes=profile.worker_processes,
        parts=PARTS,
        links=_links(profile, planned, whole=True),
        small_disks=_filled_disks(profile, planned),
        broker_count=_broker_count(profile, planned),
    )
    if Part.API in needed:
        return whole
    given = target.addresses
    started = {name for part, name in _SERVERS if part in needed and given[part] is None}
    links = _links(profile, planned, whole=False)
    hindered = {server for _, server in links}
    tables = "postgres" in started and any(draws_users(profile, name) for name in planned)
    return StackOptions(
        postgres_dsn=target.postgres_dsn if "postgres" in hindered else None,
        redis_url=target.redis_url if "redis" in hindered else None,
        parts=frozenset(started),
        allowed=target.allowed,
        tables=tables,
        links=links,
        small_disks=_filled_disks(profile, planned),
        broker_count=_broker_count(profile, planned),
    )


def _broker_count(profile: Profile, planned: Collection[str]) -> int:
    """Return how many brokers start; a fault that changes leaders needs several."""
    faults = (fault for name in planned for fault in profile.benchmarks[name].faults)
    return 3 if any(fault.kind == "leader_change" for fault in faults) else profile.brokers


def _filled_disks(profile: Profile, planned: Collection[str]) -> frozenset[str]:
    faults = (fault for name in planned for fault in profile.benchmarks[name].faults)
    return frozenset(str(fault.part) for fault in faults if fault.kind == "full_disk")


def _links(
    profile: Profile, planned: Collection[str], *, whole: bool
) -> tuple[tuple[str, str], ...]:
    """Return the connections that faults of these benchmarks hinder.

    Args:
        profile: a checked profile.
        planned: the benchmarks that a run loads.
        whole: whether the whole reference system starts, not only the needed servers.
    """
    hindered = {
        link
        for name in planned
        for fault in profile.benchmarks[name].faults
        for link in fault.links
        if whole or link[0] == "load"
    }
    return tuple(sorted(hindered))
