"""The row of one window of a search for a capacity, as the spool and the history hold it.

Add here: another figure of a window. Keep out: how it is judged (analysis/capacity/).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Final


@dataclass(frozen=True, slots=True)
class CapacityWindow:
    """Hold what one window of load showed.

    Attributes:
        number: from 1, in the order of loading.
        purpose: search, repeat or confirm.
        rate_per_s: starts per second that were asked for, of all scenarios together.
        length_s: the part of the window that counts.
        achieved_per_s: iterations that ran to their end, per second.
        p95_ms: p95 of the response time; not a number where nothing was measured.
        failed_ratio: share of operations that did not go well; as above.
        dropped: planned starts that found no free VU.
        growth_per_s: the growth of the queue that grew most; NaN if none was watched.
        growth_of: which queue that is.
        cpu: average CPU use by part in percent, as a JSON object.
        shown: HELD, FAILED or INVALID.
        reason: why it did not hold; empty where it did.
        found: what the checklist of bottlenecks found meanwhile.
    """

    number: int
    purpose: str
    rate_per_s: float
    length_s: float
    achieved_per_s: float
    p95_ms: float
    failed_ratio: float
    dropped: int
    growth_per_s: float
    growth_of: str
    cpu: str
    shown: str
    reason: str
    found: str

    @property
    def cpu_percent(self) -> Mapping[str, float]:
        """Return the average CPU use by part; empty where it can't be read."""
        try:
            parsed = json.loads(self.cpu)
        except ValueError:
            return {}
        return parsed if isinstance(parsed, dict) else {}


CAPACITY_WINDOW_COLUMNS: Final = tuple(field.name for field in fields(CapacityWindow))
