"""The key `growth` of a benchmark: it shows what grows during a steady load.

Add here: a key, with its meaning in the docstring (docs/profiles.md shows it). Keep out: the slope
(analysis/drift.py), and rules that need the whole benchmark (growth_rules.py).
"""

from typing import Final

from pydantic import Field

from perf_pipeline.config.durations import Duration
from perf_pipeline.config.frozen import Frozen, equals

_SETTLING: Final = 0.1


class GrowthWatch(Frozen):
    """Report how fast memory, descriptors, connections, tables, indexes and latencies grow.

    Attributes:
        settle_us: how much of the beginning is ignored, while caches fill and pools open; by
            default a tenth of the measured time.
        margin: a quantity counts as not growing if even the upper end of its interval, over the
            time that was watched, is at most this share of its level (0.05 = 5 %).
    """

    settle_us: Duration | None = Field(default=None, alias="settle", ge=0, exclude_if=equals(None))
    margin: float = Field(default=0.05, gt=0, le=1)

    def settled_after_us(self, measured_us: int) -> int:
        """Return how much of the beginning of a measured time is ignored."""
        return round(_SETTLING * measured_us) if self.settle_us is None else self.settle_us
