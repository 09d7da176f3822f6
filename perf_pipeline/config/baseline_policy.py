"""The keys of `[baseline]`: how runs of a profile are compared, and which fixed figures they meet.

Add here: a key of `[baseline]`, with its meaning in the docstring (docs/profiles.md shows it). Keep
out: the statistics (analysis/), and the policy that they take (judging/).
"""

from typing import Final, Literal

from pydantic import Field

from perf_pipeline.config.durations import Duration
from perf_pipeline.config.frozen import Frozen, equals
from perf_pipeline.units import US_PER_S

CONFIRM_PAUSE_US: Final = 15 * US_PER_S
OnEnvironmentChanged = Literal["warn", "fail"]


class PinnedBaseline(Frozen):
    """Pin a fixed figure to compare with, e.g. a p(95) of 800 ms."""

    benchmark: str
    metric: str
    statistic: str
    value: float = Field(gt=0, le=1e18, strict=False)


class BaselinePolicyConfig(Frozen):
    """Configure the comparison with the baseline (docs/statistics.md).

    Attributes:
        window: how many runs a baseline has at most.
        minimum_runs: below this many runs nothing is compared (LEARNING).
        alpha: level of significance of the two-sided t test.
        minimum_effect: smaller changes are never suspect (0.05 = 5 %).
        on_environment_changed: `fail` ends a run whose gate is withheld with 97; `warn` only
            reports it, until it was withheld in too many runs in a row.
        confirm_pause_us: how long the only suspect benchmark waits before each of its re-runs;
            several take turns instead.
        pinned: fixed figures to compare with.
    """

    window: int = Field(default=30, ge=5, le=1_000)
    minimum_runs: int = Field(default=5, ge=3, le=1_000)
    alpha: float = Field(default=0.02, gt=0, lt=0.5)
    minimum_effect: float = Field(default=0.05, ge=0, lt=1)
    on_environment_changed: OnEnvironmentChanged = Field(default="warn", exclude_if=equals("warn"))
    confirm_pause_us: Duration = Field(
        default=CONFIRM_PAUSE_US,
        alias="confirmPause",
        ge=0,
        exclude_if=equals(CONFIRM_PAUSE_US),
    )
    pinned: tuple[PinnedBaseline, ...] = Field(default=(), strict=False)
