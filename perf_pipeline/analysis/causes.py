"""Puts what became worse in a run into findings, one for each cause that may be behind it.

A tier that is slower moves all of its figures: every percentile, every operation, every benchmark
that uses it. Add here: another sign that two figures have one cause. Keep out: whether anything is
worse (baseline.py, family.py), and wording (report/).
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
        tier: where the cause is; empty where every tier may hold it.
        leading: the series that shows it best: REGRESSED before SUSPECT, then the clearest.
        others: what else moved by it, REGRESSED first and then in the order of the run.
    """

    tier: str
    leading: NamedDiff
    others: tuple[NamedDiff, ...] = ()

    @property
    def status(self) -> DiffStatus:
        """Return what the finding is: REGRESSED or SUSPECT."""
        return self.leading[1].status

    @property
    def also_regressed(self) -> int:
        """Count what is REGRESSED beside the leading series."""
        return sum(diff.status is DiffStatus.REGRESSED for _, diff in self.others)


def causes(pairs: Iterable[NamedDiff]) -> tuple[Cause, ...]:
    """Return the findings of a run, REGRESSED first; none where nothing is worse.

    One finding has what is worse in one tier against one baseline (the history, a release, or fixed
    figures), latencies and throughputs apart from failures. Figures that every tier moves join the
    only finding of their benchmark; where there is none, or more than one, they are their own.
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
    """Let figures of no tier join the only finding of their benchmark that has one."""
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
    """Return how far a figure is from its baseline, in standard errors; 0 where there is none."""
    return abs(diff.effect.distance) / diff.error if diff.effect is not None and diff.error else 0.0


def _statistic(diff: Diff) -> int:
    known = diff.series.statistic in _LED_BY
    return _LED_BY.index(diff.series.statistic) if known else len(_LED_BY)
