"""Parts that all metadata use: tables, figures, counts, and the row of a verdict.

Add here: another kind of value in a cell. Keep out: the choice of what an asset shows. Dagster
concept: metadata, https://docs.dagster.io/guides/build/assets/metadata-and-tags
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

import dagster as dg

from perf_pipeline.metrics.threshold import Verdict
from perf_pipeline.report.wording import observed

Metadata = dict[str, dg.MetadataValue]
Cell = str | float | int | bool | None


def verdict_row(verdict: Verdict) -> dict[str, Cell]:
    """Return the row of a verdict, in the columns of every table of verdicts."""
    threshold = verdict.threshold
    return {
        "threshold": f"{threshold.key}: {threshold.source}",
        "observed": observed(verdict),
        "status": verdict.status.value,
        "reason": verdict.reason,
    }


def counts(statuses: Iterable[StrEnum], seen: Sequence[StrEnum]) -> Metadata:
    """Count each status, including those that don't occur, because a plot needs zeros."""
    return {status.value: dg.MetadataValue.int(seen.count(status)) for status in statuses}


def figure(value: float) -> dg.FloatMetadataValue:
    """Return six significant digits; more is noise, and 0.18849999999999995 looks like a bug."""
    return dg.MetadataValue.float(float(f"{value:.6g}"))


def table(rows: Iterable[Mapping[str, Cell]]) -> dg.TableMetadataValue:
    """Return rows as a table; an empty one has a column `nothing`, which Dagster needs."""
    records = [dg.TableRecord(dict(row)) for row in rows]
    if not records:
        schema = dg.TableSchema(columns=[dg.TableColumn("nothing")])
        return dg.MetadataValue.table(records=[], schema=schema)
    return dg.MetadataValue.table(records=records)
