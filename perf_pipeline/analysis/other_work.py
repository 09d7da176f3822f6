"""Decide whether work that belongs to no part of a run kept its machine busy meanwhile.

Add here: another sign of others' work. Keep out: whether a run counts (engine/health.py), and
machines that became slower (machine.py).
"""

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Final

from perf_pipeline.analysis.bottleneck_rules import HOST_CPU
from perf_pipeline.analysis.finding import Finding, FindingStatus
from perf_pipeline.metrics.summary import Summary

_FOREIGN_SHARE: Final = 0.5
BUSY_MEANWHILE: Final = (
    "something else kept this machine busy meanwhile, so measure again without it first"
)
_LATENCIES: Final = frozenset({"http_req_duration", "db_query_duration", "db_statement_mean_ms"})


def beside_other_work(
    findings: Sequence[Finding],
    summaries: Sequence[Summary],
    *,
    cores: int,
    elsewhere: Collection[str],
) -> list[Finding]:
    """Note on a busy machine that it was kept busy by others, and on latencies measured meanwhile.

    Args:
        findings: the findings of the whole checklist.
        summaries: that they were found in.
        cores: the cores of this machine.
        elsewhere: sources of the tiers that the target names; each may run on another machine, and
            is counted as a part as well.
    """
    explained = [_explained(finding, summaries, cores, elsewhere) for finding in findings]
    if not is_kept_busy(explained):
        return explained
    return [_meanwhile(finding) for finding in explained]


def is_kept_busy(findings: Iterable[Finding]) -> bool:
    """Say whether something that belongs to no part of the run kept this machine busy."""
    return any(
        finding.rule == HOST_CPU and finding.status is FindingStatus.FOUND and finding.remark
        for finding in findings
    )


def _meanwhile(finding: Finding) -> Finding:
    """Note on a latency that it was measured on a machine that something else kept busy."""
    if finding.metric in _LATENCIES and finding.status is FindingStatus.FOUND:
        return replace(finding, remark=BUSY_MEANWHILE)
    return finding


def _explained(
    finding: Finding, summaries: Sequence[Summary], cores: int, elsewhere: Collection[str]
) -> Finding:
    """Note when nothing that this run started or watched used most of a busy machine's CPU."""
    if finding.rule != HOST_CPU or finding.status is not FindingStatus.FOUND:
        return finding
    # A tier that the target names may run on another machine, and is counted as a part as well.
    used = [
        row.average
        for row in summaries
        if row.metric == "process_cpu_percent"
        and row.tags
        and row.tags.get("source") not in elsewhere
        and row.average is not None
        and math.isfinite(row.average)
    ]
    busy = finding.observed
    if not used or busy is None or (own := sum(used) / cores) > _FOREIGN_SHARE * busy:
        return finding
    remark = (
        f"the system and the load generator used only {own:.0f} % of this machine: "
        "something else keeps it busy"
    )
    return replace(finding, remark=remark)
