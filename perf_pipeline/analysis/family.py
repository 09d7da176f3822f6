"""Says whether figures that are one question agree that a run is out of line.

The percentiles of one operation's latency move together, and asking each of them is asking several
times. Formulas and sources: docs/statistics.md.
Add here: another kind of figures that are one question. Keep out: what is told as one finding
(causes.py), and the judgement of one series (baseline.py).
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Final

from perf_pipeline.analysis.scale import Scale
from perf_pipeline.analysis.series import Diff
from perf_pipeline.analysis.suspicion import (
    IN_LINE,
    WORSE,
    WORSE_SIGN,
    BaselinePolicy,
    DiffStatus,
)
from perf_pipeline.metrics.catalog import CATALOG, Kind

FamilyKey = tuple[str, str]
"""Benchmark, and metric with its tag filter."""

_JUDGED: Final = WORSE | IN_LINE


def family_of(benchmark: str, diff: Diff) -> FamilyKey:
    """Name the question that a comparison is about; statistics of one metric share it."""
    return benchmark, diff.series.key


def simes(chances: Sequence[float]) -> float:
    """Give the chance of several claims together: the least of m * p(i) / i, the p sorted.

    It holds for claims that depend on each other positively, as percentiles of one metric do.
    Source: Simes (1986), An improved Bonferroni procedure for multiple tests of significance,
    Biometrika 73; Sarkar (1998), Annals of Statistics 26, for dependent claims.

    Args:
        chances: at least one p value.

    >>> simes([0.01, 0.04, 0.5]), simes([0.02, 0.02, 0.02])
    (0.03, 0.02)
    """
    ordered, m = sorted(chances), len(chances)
    return min(m * chance / (n + 1) for n, chance in enumerate(ordered))


def agreed(pairs: Sequence[tuple[str, Diff]]) -> tuple[Diff, ...]:
    """Take a SUSPECT back where the figures of its family do not agree; anything else stays.

    A family agrees when its `simes` chance is at most that of a single series, alpha / 2. What two
    runs have shown already (REGRESSED) stays, and so does a series without others.

    Args:
        pairs: every comparison of a run, as (benchmark, diff).
    """
    families: dict[FamilyKey, list[Diff]] = {}
    for benchmark, one in pairs:
        if _is_member(one):
            families.setdefault(family_of(benchmark, one), []).append(one)
    return tuple(
        _with_family(one, families.get(family_of(benchmark, one), ())) for benchmark, one in pairs
    )


def families_judged(pairs: Sequence[tuple[str, Diff]]) -> int:
    """Count the questions that were asked of a run: families, and series without others."""
    known = [(benchmark, one) for benchmark, one in pairs if one.status in _JUDGED]
    alone = sum(not _is_member(one) for _, one in known)
    return alone + len({family_of(benchmark, one) for benchmark, one in known if _is_member(one)})


def _is_member(one: Diff) -> bool:
    """Say whether a comparison is with history, by ratio, of a statistic among others."""
    by_ratio = one.effect is not None and one.effect.scale is Scale.RELATIVE
    counts = one.status in _JUDGED and one.error is not None and one.pinned is None
    return by_ratio and counts and CATALOG[one.series.metric].kind is Kind.TREND


def _with_family(one: Diff, family: Sequence[Diff]) -> Diff:
    if one.status is not DiffStatus.SUSPECT or not _is_member(one) or len(family) < 2:
        return one
    policy = one.policy or BaselinePolicy()
    if simes([_chance(member) for member in family]) <= policy.alpha / 2:
        return one
    reason = (
        f"out of line, but the {len(family)} figures of {one.series.key} are one question, and "
        "together they are in line"
    )
    return replace(one, status=DiffStatus.OK, reason=reason, order_limit=None)


def _chance(one: Diff) -> float:
    """Give the chance of a figure that is at least as bad, if nothing changed."""
    if one.effect is None or not one.error or one.noise.n < 2:
        return 1.0
    return _upper_tail(WORSE_SIGN[one.series.better] * one.effect.distance / one.error, one.noise.n)


@lru_cache(maxsize=512)
def _upper_tail(z: float, runs: int) -> float:
    from scipy.special import stdtr  # noqa: PLC0415 - 0.2 s of import that few commands need

    return float(stdtr(runs - 1, -z))
