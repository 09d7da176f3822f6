"""Define the keys of a scenario that reads through a cache.

Add here: a key of `exec = "read_through_cache"`. Keep out: the reads themselves (workloads/redis/).
"""

from typing import Final

from pydantic import Field

from perf_pipeline.config.durations import Duration
from perf_pipeline.config.frozen import Frozen
from perf_pipeline.units import SECONDS_PER_DAY, US_PER_MS, US_PER_S

_LONGEST_TTL: Final = SECONDS_PER_DAY * US_PER_S  # what a run leaves expires in a day


class CacheParameters(Frozen):
    """Hold the parameters of reading users through a cache.

    Attributes:
        keys: how many different users are read, all equally often.
        ttl_us: how long a user stays cached after the last read; rounded up to whole seconds, the
            unit of EXPIRE.
        timeout_us: the longest time from sending a command to its whole answer.
    """

    keys: int = Field(default=1_000, ge=1, le=100_000)
    ttl_us: Duration = Field(default=30 * US_PER_S, alias="ttl", ge=US_PER_S, le=_LONGEST_TTL)
    timeout_us: Duration = Field(default=US_PER_S, alias="timeout", ge=US_PER_MS)
