"""Plan a search for a capacity: its first rate, the range of rates, and the wanted rate.

Add here: another part of a search that follows from the profile alone. Keep out: searching
(analysis/capacity/), and the keys (config/capacity.py).
"""

from dataclasses import dataclass
from typing import Final

from perf_pipeline.benchmarks.record import TARGET_PER_DAY
from perf_pipeline.config.capacity import CapacitySearch
from perf_pipeline.config.profile import Profile
from perf_pipeline.config.questions import asks_for_a_million
from perf_pipeline.config.scaled_load import open_scenarios, planned_rates
from perf_pipeline.units import SECONDS_PER_DAY

LOWEST_SHARE: Final = 1 / 256
"""No rate below this share of the hint is tried."""
LEAST_PER_S: Final = 1 / 6
"""Nor one below 10 per minute, of which a window would see too little."""


@dataclass(frozen=True, slots=True)
class RateRange:
    """Hold the rates that a search tries, starts per second of all scenarios together.

    Attributes:
        hint: the first rate.
        lowest: no lower rate is tried.
        highest: no higher rate is tried.
    """

    hint: float
    lowest: float
    highest: float


def rate_range(profile: Profile, search: CapacitySearch) -> RateRange:
    """Return the rates that a search tries: from the hint, or from the rate of the profile."""
    scenarios = open_scenarios(profile.benchmarks[search.of], search.scenarios)
    planned = sum(planned_rates(scenarios).values())
    hint = min(search.hint or planned, search.highest)
    return RateRange(hint, min(hint, max(LEAST_PER_S, hint * LOWEST_SHARE)), search.highest)


def target_per_s(profile: Profile, search: CapacitySearch) -> float | None:
    """Return the rate that the profile asks for, or None."""
    if search.target is not None:
        return search.target
    return TARGET_PER_DAY / SECONDS_PER_DAY if asks_for_a_million(profile) else None
