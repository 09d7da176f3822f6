"""Says whether figures that are one question agree that a run is out of line.

The percentiles of one operation's latency move together, and asking each of them is asking several
times. Formulas and sources: docs/statistics.md.
Add here: another kind of figures that are one question. Keep out: what becomes one finding
(causes.py), and the judgement of one series (baseline.py).
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from perf_pipeline.analysis.scale import Scale
from perf_pipeline.analysis.series import Diff
from perf_pipeline.analysis.special import special
from perf_pipeline.analysis.suspicion import (
    JUDGED,
    WORSE_SIGN,
    BaselinePolicy,
    DiffStatus,
)
from perf_pipeline.metrics.catalog import CATALOG, Kind

FamilyKey = tuple[str, str]
"""Benchmark, and metric with its tag filter."""


def family_of(benchmark: str, diff: Diff) -> FamilyKey:
    """Name the question that a comparison is about; statistics of one metric share it."""
    return benchmark, diff.series.key


def simes(chances: Sequence[float]) -> float:
    """Return the chance of several claims together: the least of m * p(i) / i, the p sorted.

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
    for benchmark, diff in pairs:
        if _is_member(diff):
            families.setdefault(family_of(benchmark, diff), []).append(diff)
    return tuple(
        _with_family(diff, families.get(family_of(benchmark, diff), ()))
        for benchmark, diff in pairs
    )


def families_judged(pairs: Sequence[tuple[str, Diff]]) -> int:
    """Count the questions that were asked of a run: families, and series without others."""
    known = [(benchmark, diff) for benchmark, diff in pairs if diff.status in JUDGED]
    alone = sum(not _is_member(diff) for _, diff in known)
    return alone + len(
        {family_of(benchmark, diff) for benchmark, diff in known if _is_member(diff)}
    )


def _is_member(diff: Diff) -> bool:
    """Say whether a comparison is with history, by ratio, of a statistic among others."""
    by_ratio = diff.effect is not None and diff.effect.scale is Scale.RELATIVE
    counts = diff.status in JUDGED and diff.error is not None and diff.pinned is None
    return by_ratio and counts and CATALOG[diff.series.metric].kind is Kind.TREND


def _with_family(diff: Diff, family: Sequence[Diff]) -> Diff:
    if diff.status is not DiffStatus.SUSPECT or not _is_member(diff) or len(family) < 2:
        return diff
    policy = diff.policy or BaselinePolicy()
    if simes([_chance(member) for member in family]) <= policy.alpha / 2:
        return diff
    reason = (
        f"out of line, but the {len(family)} figures of {diff.series.key} are one question, and "
        "together they are in line"
    )
    return replace(diff, status=DiffStatus.OK, reason=reason, order_limit=None)


def _chance(diff: Diff) -> float:
    """Return the chance of a figure that is at least as bad, if nothing changed."""
    if diff.effect is None or not diff.error or diff.noise.n < 2:
        return 1.0
    return _upper_tail(
        WORSE_SIGN[diff.series.better] * diff.effect.distance / diff.error, diff.noise.n
    )


@lru_cache(maxsize=512)
def _upper_tail(z: float, runs: int) -> float:
    return float(special().stdtr(runs - 1, -z))
