"""Faults that a connection of this process holds: they end with the process, however it ends.

Add here: another fault that leaves nothing behind when this process is gone. Keep out: faults that
have to be undone (fault_driver.py).
"""

import math
from collections.abc import Callable
from typing import Protocol

from perf_pipeline.config.faults import Fault
from perf_pipeline.errors import StackError
from perf_pipeline.loading.session import Session
from perf_pipeline.stack.kafka_member import HeldMembership
from perf_pipeline.stack.link_rule import LinkRule
from perf_pipeline.stack.links import HeldLinks
from perf_pipeline.stack.postgres_connections import HeldConnections
from perf_pipeline.stack.postgres_lock import HeldLock
from perf_pipeline.stack.redis import flush
from perf_pipeline.units import US_PER_S


class HeldFault(Protocol):
    """A held resource that somebody else needs."""

    def release(self) -> None:
        """Release the resource."""
        ...


def hold(session: Session, fault: Fault, is_over: Callable[[], bool]) -> HeldFault | None:
    """Inject a fault over connections to the target; return its holder, or None if it needs none.

    Args:
        session: the session of the run.
        fault: the fault.
        is_over: says whether the fault is no longer wanted.

    Raises:
        StackError: the fault could not be injected.
    """
    target, limit_s = session.target, fault.time_limit_us / US_PER_S
    match fault.kind:
        case "flush":
            flush(target.redis_url or "")
            return None
        case "lock":
            return HeldLock(target.postgres_dsn or "", fault.table, limit_s, is_over)
        case "connections":
            return HeldConnections(target.postgres_dsn or "", fault.left, limit_s, is_over)
        case "rebalance":
            place = (target.brokers or "", target.group, target.topic)
            return HeldMembership(*place, limit_s, is_over)
    return _hindered(session, fault)


def _hindered(session: Session, fault: Fault) -> HeldFault:
    links = () if session.stack is None else session.stack.links.links
    names = [link.name for link in links if (link.client, link.server) in fault.links]
    if session.stack is None or not names:
        raise StackError(f"no connection to {fault.to} goes through a proxy of this run")
    return HeldLinks(session.stack.links, names, rule_of(fault))


def rule_of(fault: Fault) -> LinkRule:
    """Return the rule by which a network fault changes connections."""
    return LinkRule(
        delay_s=fault.delay_us / US_PER_S,
        jitter_s=fault.jitter_us / US_PER_S,
        loss_ratio=fault.share,
        bytes_per_s=float(fault.bytes_per_s) if fault.bytes_per_s else math.inf,
        is_cut=fault.kind == "partition",
        resets=fault.kind == "reset",
    )
