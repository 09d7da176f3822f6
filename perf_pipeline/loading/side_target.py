"""Check before a comparison whether each side may be loaded, and whether it answers.

Add here: a check for another kind of side. Keep out: starting sides (stack/sides.py), and the load
(duet.py).
"""

import os
import threading
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

from perf_pipeline.benchmarks.record import Part
from perf_pipeline.config.duet_loads import DuetLoad, at_topic
from perf_pipeline.config.duet_sides import GivenSide
from perf_pipeline.config.kafka_client import with_properties
from perf_pipeline.config.kafka_listeners import require_listeners
from perf_pipeline.config.kafka_properties import filled
from perf_pipeline.config.own_delivery_rules import delivery_parts
from perf_pipeline.config.own_scenarios import draws_from_query
from perf_pipeline.config.profile import Profile
from perf_pipeline.config.safety import check_target
from perf_pipeline.config.target import Target, resolve_target
from perf_pipeline.errors import StoppedByUserError, TargetUnavailableError
from perf_pipeline.loading.needs import require_api
from perf_pipeline.loading.own_database import require_statements_at
from perf_pipeline.loading.own_topics import require_own_topics
from perf_pipeline.secrecy.known import KNOWN

_POLL_S: Final = 0.2
_FIELDS: Final = MappingProxyType(
    {Part.API: "base_url", Part.POSTGRES: "postgres_dsn", Part.BROKERS: "brokers"}
)


def checked_side(
    profile: Profile, name: str, side: GivenSide, asked: Collection[Part] = ()
) -> Target:
    """Return the profile's target with the address of a side, after checking that it is allowed.

    Args:
        profile: the profile, whose target says what is checked and which hosts are allowed.
        name: the name of the side.
        side: the running side.
        asked: other parts, which show deliveries and remain those of the profile's target.

    Raises:
        TargetNotAllowedError: its host is neither loopback nor allowed.
        AddressError: the address cannot be read.
    """
    written = profile.targets.get(profile.target)
    target = resolve_target(profile.target, written, os.environ, profile.folder)
    KNOWN.add_address(side.address)
    address = side.address
    if side.part is Part.BROKERS:
        properties = written.kafka if written is not None else {}
        known = filled(properties, os.environ, profile.folder, profile.target)
        address = with_properties(address, known)
        KNOWN.add_address(address)
    given: dict[str, Any] = {
        field: address if part is side.part else getattr(target, field) if part in asked else None
        for part, field in _FIELDS.items()
    }
    named = {**dict(target.named_by), _FIELDS[side.part]: f"--{name}"}
    only_parts = replace(target, redis_url=None, named_by=tuple(named.items()), **given)
    return check_target(only_parts)


def asked_parts(loads: Sequence[DuetLoad]) -> frozenset[Part]:
    """Return the parts of the target that provide rows, deliveries or their clock."""
    configs = [load.profile.benchmarks[load.benchmark] for load in loads]
    parts = {part for config in configs for part in delivery_parts(config.deliveries)}
    rows = {Part.POSTGRES} if any(map(draws_from_query, configs)) else set[Part]()
    return frozenset(parts | rows)


def await_side(
    loads: Sequence[DuetLoad],
    side: GivenSide,
    target: Target,
    within_s: float,
    stop: threading.Event,
) -> None:
    """Wait until a side is ready: its API is healthy, or its server takes what is sent.

    Args:
        loads: the loads that it gets.
        side: the side that they go to.
        target: the target with the side's address.
        within_s: how long it may take until it answers.
        stop: set it to stop waiting.

    Raises:
        TargetUnavailableError: the side does not answer, or lacks a topic or something that a
            statement names.
        ProfileError: a statement is wrong, or a message larger than its topic takes.
        StoppedByUserError: `stop` was set in the meantime.
    """
    until_s = time.monotonic() + within_s
    for load in loads:
        while True:
            try:
                _require(load, side, target)
                break
            except TargetUnavailableError as error:
                if time.monotonic() >= until_s:
                    raise
                if stop.wait(_POLL_S):
                    raise StoppedByUserError("stopped before anything was measured") from error


def loads_of(side: GivenSide, loads: Sequence[DuetLoad]) -> list[DuetLoad]:
    """Return the loads for one side: their messages go to its topic, if it names one."""
    return [replace(load, profile=at_topic(load.profile, side.topic)) for load in loads]


@dataclass(frozen=True, slots=True)
class SideAim:
    """Hold what the loads need from a side."""

    profile: Profile
    target: Target


def _require(load: DuetLoad, side: GivenSide, target: Target) -> None:
    if side.part is Part.BROKERS:
        require_listeners(target.brokers or "", target.allowed)
        require_own_topics(SideAim(load.profile, target), load.benchmark)
    elif side.part is Part.POSTGRES:
        require_statements_at(target.postgres_dsn or "", load.profile, load.benchmark)
    else:
        require_api(load.profile, target, load.benchmark)
