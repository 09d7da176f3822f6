"""Say what happens to the bytes of a link during a fault of the network.

Add here: another thing that a network does to a connection. Keep out: moving bytes (link_proxy.py).
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

RETRANSMITTED_S: Final = 0.2
"""Linux sends a lost segment again after 200 ms at the earliest (TCP_RTO_MIN in net/tcp.h)."""


@dataclass(frozen=True, slots=True)
class LinkRule:
    """Say what a link does with what it is given.

    Attributes:
        delay_s: how much later than it came an answer is passed on.
        jitter_s: up to how much more or less than `delay_s`, evenly distributed.
        loss_ratio: share of the pieces of an answer that take a retransmission more.
        bytes_per_s: what goes through in each direction, over all connections; infinite where
            nothing limits it.
        is_cut: nothing passes, and what is given waits.
        resets: every connection is reset.
    """

    delay_s: float = 0.0
    jitter_s: float = 0.0
    loss_ratio: float = 0.0
    bytes_per_s: float = math.inf
    is_cut: bool = False
    resets: bool = False

    @property
    def changes_nothing(self) -> bool:
        """Say whether bytes are passed on as they come."""
        return self == UNTOUCHED


UNTOUCHED: Final = LinkRule()


def joined(rules: Iterable[LinkRule]) -> LinkRule:
    """Return what several rules do together: delays add up, and the narrowest limit holds.

    >>> joined([LinkRule(delay_s=0.5), LinkRule(delay_s=0.25, bytes_per_s=9.0)]).delay_s
    0.75
    """
    found = tuple(rules)
    return LinkRule(
        delay_s=sum(rule.delay_s for rule in found),
        jitter_s=sum(rule.jitter_s for rule in found),
        loss_ratio=1.0 - math.prod(1.0 - rule.loss_ratio for rule in found),
        bytes_per_s=min((rule.bytes_per_s for rule in found), default=math.inf),
        is_cut=any(rule.is_cut for rule in found),
        resets=any(rule.resets for rule in found),
    )
