"""Where the comparisons of a run come from, as a table of the HTML page.

Add here: another fact of a verdict's lineage. Keep out: finding it out (judging/).
"""

from collections.abc import Sequence

from perf_pipeline.report.markup import table
from perf_pipeline.report.model import Origin

Judge = tuple[str, tuple[str, ...], str, str]


def origin_table(origins: Sequence[Origin]) -> str:
    """Give one row for the series that share baseline, configuration and code; nothing without."""
    groups: dict[Judge, list[Origin]] = {}
    for one in origins:
        judge = (one.against, one.run_ids, one.config_hash, one.code_version)
        groups.setdefault(judge, []).append(one)
    rows = (
        (
            against,
            str(len(run_ids)),
            " ".join(run_ids) or "-",
            f"configuration {config_hash}, perf_pipeline {version}",
            ", ".join(f"{one.benchmark} {one.series}" for one in members),
        )
        for (against, run_ids, config_hash, version), members in groups.items()
    )
    header = ("against", "n", "runs of the baseline", "judged by", "series")
    return table(header, rows, numeric=frozenset({1}), prose=frozenset({2, 3, 4}))
