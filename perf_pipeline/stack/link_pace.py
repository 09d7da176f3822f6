"""Decide when a link passes bytes on under its current rule: delayed, sent again, or in a trickle.

Add here: another way in which a network is slow. Keep out: connections (link_connection.py), and
what rules are (link_rule.py).
"""

import random
from collections.abc import Iterator
from typing import Final

from perf_pipeline.stack.link_rule import RETRANSMITTED_S, LinkRule, joined

_PIECES_PER_S: Final = 10


class LinkPace:
    """Say when bytes go on.

    Args:
        seed: the seed of the chance by which they are late.
    """

    def __init__(self, seed: int) -> None:
        self.rule = joined(())
        self._random = random.Random(seed)
        self._free_at = {True: 0.0, False: 0.0}

    def go_by(self, rule: LinkRule) -> bool:
        """Go by another rule; say whether it is wider, so that all that waits is due."""
        before, self.rule = self.rule, rule
        is_wider = rule.changes_nothing or rule.bytes_per_s > before.bytes_per_s
        if is_wider:
            self._free_at = dict.fromkeys(self._free_at, 0.0)
        return is_wider

    def due(self, now: float, size: int, *, is_answer: bool) -> float:
        """Say when bytes that came now are to be passed on.

        Args:
            now: the loop's time.
            size: how many bytes.
            is_answer: they come from the server.
        """
        rule = self.rule
        due = now
        if is_answer:
            due += rule.delay_s + self._random.uniform(-rule.jitter_s, rule.jitter_s)
            due += RETRANSMITTED_S if self._random.random() < rule.loss_ratio else 0.0
        through = max(now, self._free_at[is_answer]) + size / rule.bytes_per_s
        self._free_at[is_answer] = through
        return max(due, through)

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """Cut bytes so that a narrow link passes them on in a trickle, not in one lump."""
        most = max(1, int(min(self.rule.bytes_per_s / _PIECES_PER_S, len(data))))
        for begin in range(0, len(data), most):
            yield data[begin : begin + most]
