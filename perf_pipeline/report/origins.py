"""A table of the HTML page that says what each comparison was made with.

Add here: another fact of a verdict's lineage. Keep out: finding it out (judging/).
"""

from collections.abc import Sequence

from perf_pipeline.report.model import Origin
from perf_pipeline.report.tables import Table

Judge = tuple[str, tuple[str, ...], str, str]


def origin_table(origins: Sequence[Origin]) -> Table:
    """Return a row for all series that share baseline, configuration and code version."""
    groups: dict[Judge, list[Origin]] = {}
    for origin in origins:
        judge = (origin.against, origin.run_ids, origin.config_hash, origin.code_version)
        groups.setdefault(judge, []).append(origin)
    return Table.of(
        {
            "against": "text",
            "n": "number",
            "runs of the baseline": "prose",
            "judged by": "prose",
            "series": "prose",
        },
        (
            (
                against,
                str(len(run_ids)),
                " ".join(run_ids) or "-",
                f"configuration {config_hash}, perf_pipeline {version}",
                ", ".join(f"{origin.benchmark} {origin.series}" for origin in members),
            )
            for (against, run_ids, config_hash, version), members in groups.items()
        ),
    )
