"""Says whether the environment changed instead of the system, by facts or by unrelated metrics.

Source: docs/statistics.md.
Add here: another sign of a changed environment. Keep out: the tier of a metric (tiers.py), and what
a single series says (baseline.py).
"""

import math
from collections.abc import Hashable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Final

from perf_pipeline.analysis.baseline import Diff, DiffStatus
from perf_pipeline.analysis.shared import (
    explains,
    shared_slowdown,
    shift_of,
    typical_slowdown,
)
from perf_pipeline.analysis.suspicion import JUDGED, WORSE
from perf_pipeline.analysis.tiers import tier_of

SUSPECT_SHARE: Final = 0.3
"""More suspect metrics than this share, in more than one tier, are not the system's doing."""

_MINIMUM_METRICS: Final = 4
_MINIMUM_SUSPECTS: Final = 2


def environment_changed(diffs: Sequence[Diff]) -> bool:
    """Say whether more than 30 % of the judged metrics became worse, across unrelated tiers.

    Each metric counts once, however many statistics and tags it has. Metrics that concern all tiers
    (`iterations`, `message_latency` ...) do not count. A single tier is never the environment,
    because a regression looks like that. With fewer than four judged metrics the answer is no.
    """
    judged = {diff.series.metric for diff in diffs if diff.status in JUDGED}
    worse = {diff.series.metric for diff in diffs if diff.status in WORSE}
    tiers = {metric: tier_of(metric) for metric in judged | worse}
    judged = {metric for metric in judged if tiers[metric]}
    worse = {metric for metric in worse if tiers[metric]}
    spread = len({tiers[metric] for metric in worse})
    enough = len(judged) >= _MINIMUM_METRICS
    return enough and spread > 1 and len(worse) / len(judged) > SUSPECT_SHARE


def suspects_moved(now: AbstractSet[Hashable], before: AbstractSet[Hashable]) -> bool:
    """Say whether two consecutive runs have suspect series, and not one of them in common.

    What the system does, it does again in the next run. With fewer than two suspects in either run
    the answer is no, because single suspects come by chance.
    """
    enough = min(len(now), len(before)) >= _MINIMUM_SUSPECTS
    return enough and not now & before


def withheld(diffs: Sequence[Diff], *, moved: bool = False) -> tuple[Diff, ...]:
    """Turn SUSPECT and REGRESSED into ENVIRONMENT_CHANGED where the environment explains it.

    What is worse by more than everything else is: a real regression beside it stays.

    Args:
        diffs: diffs of every benchmark of the run.
        moved: what `suspects_moved` said about this run and the run before.
    """
    shifts = [shift for diff in diffs if (shift := shift_of(diff)) is not None]
    shared = shared_slowdown(shifts)
    reason = f"every tier became slower, by about {math.expm1(shared):.0%}: the environment changed"
    if environment_changed(diffs):
        reason = "many unrelated metrics became worse together: the environment changed"
        worse = {tier_of(diff.series.metric) for diff in diffs if diff.status in WORSE}
        shared = max(shared, typical_slowdown(shifts, worse) or math.inf)
    elif moved:
        reason = "the run before had other suspects and none of these: the environment changed"
        shared = math.inf
    if not shared:
        return tuple(diffs)
    return tuple(
        replace(diff, status=DiffStatus.ENVIRONMENT_CHANGED, reason=reason, changed_since=None)
        if diff.status in WORSE and explains(shared, diff)
        else diff
        for diff in diffs
    )


def changed_facts(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Say which facts differ between two environments; empty when none do.

    >>> changed_facts({"cores": "2", "cpu": "x"}, {"cores": "4", "cpu": "x"})
    ['cores: 2 -> 4']
    """
    return [
        f"{name}: {before.get(name, 'absent')} -> {after.get(name, 'absent')}"
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    ]
