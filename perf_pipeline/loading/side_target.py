"""Whether a side of a comparison may be loaded, and whether it can: what it is asked before.

Add here: how a side that is another part of a system is asked. Keep out: starting sides
(stack/sides.py), and the load (duet.py).
"""

import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from perf_pipeline.benchmarks.record import Part
from perf_pipeline.config.duet_loads import DuetLoad, at_topic
from perf_pipeline.config.duet_sides import GivenSide, Side
from perf_pipeline.config.kafka_client import with_properties
from perf_pipeline.config.kafka_listeners import require_listeners
from perf_pipeline.config.kafka_properties import filled
from perf_pipeline.config.profile import Profile
from perf_pipeline.config.safety import check_target
from perf_pipeline.config.target import Target, resolve_target
from perf_pipeline.errors import StoppedByUserError, TargetUnavailableError
from perf_pipeline.loading.needs import require_api
from perf_pipeline.loading.own_database import require_statements_at
from perf_pipeline.loading.own_topics import require_own_topics
from perf_pipeline.secrecy.known import KNOWN

_POLL_S: Final = 0.2


def checked_side(profile: Profile, name: str, side: GivenSide) -> Target:
    """Return the profile's target with the address of a side alone, which may be loaded.

    Args:
        profile: whose target says what is asked and allowed.
        name: of the side.
        side: that is running.

    Raises:
        TargetNotAllowedError: its host is neither loopback nor allowed.
        AddressError: it cannot be read.
    """
    written = profile.targets.get(profile.target)
    target = resolve_target(profile.target, written, os.environ, profile.folder)
    KNOWN.add_address(side.address)
    brokers = None
    if side.part is Part.BROKERS:
        properties = written.kafka if written is not None else {}
        known = filled(properties, os.environ, profile.folder, profile.target)
        brokers = with_properties(side.address, known)
        KNOWN.add_address(brokers)
    only_part = replace(
        target,
        base_url=side.address if side.part is Part.API else None,
        postgres_dsn=side.address if side.part is Part.POSTGRES else None,
        brokers=brokers,
        redis_url=None,
        named_by=tuple((field, f"--{name}") for field in ("base_url", "postgres_dsn", "brokers")),
    )
    return check_target(only_part)


def await_side(
    loads: Sequence[DuetLoad], target: Target, within_s: float, stop: threading.Event
) -> None:
    """Wait until a side can be loaded: an API is healthy, a server takes statements or messages.

    Args:
        loads: that it gets.
        target: the side.
        within_s: how long it may take until it answers.
        stop: set it to give up.

    Raises:
        TargetUnavailableError: it does not answer, or lacks what a statement names, or a topic.
        ProfileError: a statement is wrong, or a message larger than its topic takes.
        StoppedByUserError: `stop` was set meanwhile.
    """
    until_s = time.monotonic() + within_s
    for load in loads:
        while True:
            try:
                _require(load, target)
                break
            except TargetUnavailableError as error:
                if time.monotonic() >= until_s:
                    raise
                if stop.wait(_POLL_S):
                    raise StoppedByUserError("stopped before anything was measured") from error


def loads_of(side: Side, loads: Sequence[DuetLoad]) -> list[DuetLoad]:
    """Return loads as a side gets them: their messages go to its topic, if it names one."""
    topic = side.topic if isinstance(side, GivenSide) else ""
    return [replace(load, profile=at_topic(load.profile, topic)) for load in loads]


@dataclass(frozen=True, slots=True)
class _SideAim:
    """Hold what is asked of a side."""

    profile: Profile
    target: Target


def _require(load: DuetLoad, target: Target) -> None:
    if target.brokers is not None:
        require_listeners(target.brokers, target.allowed)
        require_own_topics(_SideAim(load.profile, target), load.benchmark)
    elif target.postgres_dsn is not None:
        require_statements_at(target.postgres_dsn, load.profile, load.benchmark)
    else:
        require_api(load.profile, target, load.benchmark)
