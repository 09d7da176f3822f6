"""Group what became worse in a run into findings, one for each probable cause.

A slower tier moves all of its figures: every percentile, every operation, every benchmark that uses
it. Add here: another sign that two figures have the same cause. Keep out: deciding what is worse
(baseline.py, family.py), and wording (report/).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from perf_pipeline.analysis.series import Diff
from perf_pipeline.analysis.suspicion import WORSE, DiffStatus
from perf_pipeline.analysis.tiers import tier_of
from perf_pipeline.metrics.catalog import CATALOG, Kind

NamedDiff = tuple[str, Diff]
"""Benchmark and diff."""

_ABOUT_AS_CLEAR: Final = 0.8
_LED_BY: Final = ("p(95)", "med")


@dataclass(frozen=True, slots=True)
class Cause:
    """Hold one finding.

    Attributes:
        tier: the tier with the cause; empty if it may be in any tier.
        leading: the series that shows it best: REGRESSED before SUSPECT, then the clearest one.
        others: the other series that moved, REGRESSED first and then in the order of the run.
    """

    tier: str
    leading: NamedDiff
    others: tuple[NamedDiff, ...] = ()

    @property
    def status(self) -> DiffStatus:
        """Return the status of the finding: REGRESSED or SUSPECT."""
        return self.leading[1].status

    @property
    def also_regressed(self) -> int:
        """Count REGRESSED series other than the leading one."""
        return sum(diff.status is DiffStatus.REGRESSED for _, diff in self.others)


def causes(pairs: Iterable[NamedDiff]) -> tuple[Cause, ...]:
    """Return the findings of a run, REGRESSED first; none if nothing is worse.

    A finding contains the series that are worse in one tier against one baseline (the history, a
    release, or fixed figures), with latencies and throughputs separate from failures. Figures that
    any tier can move join the only finding of their benchmark; if there is none, or more than one,
    they form their own finding.
    """
    groups: dict[_Key, list[NamedDiff]] = {}
    for benchmark, diff in pairs:
        if diff.status in WORSE:
            groups.setdefault(_key(diff), []).append((benchmark, diff))
    found = [_cause(key.tier, members) for key, members in _joined(groups).items()]
    return tuple(sorted(found, key=lambda cause: cause.status is not DiffStatus.REGRESSED))


@dataclass(frozen=True, slots=True)
class _Key:
    against: str
    tier: str
    is_failure: bool
    benchmark: str = ""


def _key(diff: Diff) -> _Key:
    against = diff.against or ("pinned" if diff.pinned is not None else "")
    is_failure = CATALOG[diff.series.metric].kind is Kind.RATE
    return _Key(against, tier_of(diff.series.metric), is_failure)


def _joined(groups: dict[_Key, list[NamedDiff]]) -> dict[_Key, list[NamedDiff]]:
    """Let figures without a tier join the only finding of their benchmark that has a tier."""
    result = {key: list(members) for key, members in groups.items() if key.tier}
    for key, members in groups.items():
        if key.tier:
            continue
        for benchmark, diff in members:
            homes = [
                other
                for other, known in groups.items()
                if other.tier
                and (other.against, other.is_failure) == (key.against, key.is_failure)
                and any(name == benchmark for name, _ in known)
            ]
            own = _Key(key.against, "", key.is_failure, benchmark)
            home = homes[0] if len(homes) == 1 else own
            result.setdefault(home, []).append((benchmark, diff))
    return result


def _cause(tier: str, members: Sequence[NamedDiff]) -> Cause:
    worst = [pair for pair in members if pair[1].status is DiffStatus.REGRESSED] or list(members)
    clearest = max(_clearness(diff) for _, diff in worst)
    clear = [pair for pair in worst if _clearness(pair[1]) >= _ABOUT_AS_CLEAR * clearest]
    leading = min(clear, key=lambda pair: (bool(pair[1].series.tags), _statistic(pair[1])))
    others = [pair for pair in members if pair is not leading]
    others.sort(key=lambda pair: pair[1].status is not DiffStatus.REGRESSED)
    return Cause(tier, leading, tuple(others))


def _clearness(diff: Diff) -> float:
    """Return how far a figure is from its baseline in standard errors; 0 without a baseline."""
    return abs(diff.effect.distance) / diff.error if diff.effect is not None and diff.error else 0.0


def _statistic(diff: Diff) -> int:
    known = diff.series.statistic in _LED_BY
    return _LED_BY.index(diff.series.statistic) if known else len(_LED_BY)
