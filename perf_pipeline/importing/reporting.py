"""What files with figures only have in common, whichever tool wrote them.

Add here: a figure that several tools report. Keep out: the files of one tool.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from perf_pipeline.metrics.catalog import TARGET_ANSWERED
from perf_pipeline.metrics.sample import ReportedFigure
from perf_pipeline.store.imports.foreign import ForeignFileError, ForeignRun
from perf_pipeline.store.records import ScenarioCounts
from perf_pipeline.store.tags_text import tags_text
from perf_pipeline.units import US_PER_S

_NO_TAGS: Final[Mapping[str, str]] = {}


def reported(
    metric: str, figures: Mapping[str, float | None], tags: Mapping[str, str] = _NO_TAGS
) -> Iterator[ReportedFigure]:
    """Yield the figures of a metric, those without a value left out."""
    text = tags_text(tags)
    for statistic, value in figures.items():
        if value is not None:
            yield ReportedFigure(metric, text, statistic, value)


def share_failed(
    failed: float, whole: float, tags: Mapping[str, str] = _NO_TAGS
) -> Iterator[ReportedFigure]:
    """Yield the share of failed requests, and of the answered ones; nothing without requests."""
    if whole <= 0:
        return
    share = min(1.0, failed / whole)
    yield from reported("http_req_failed", {"rate": share, "count": whole}, tags)
    yield from reported(TARGET_ANSWERED, {"rate": 1 - share, "count": whole}, tags)


def reported_run(
    tool: str,
    requests: int,
    length_s: float,
    figures: list[ReportedFigure],
    *,
    began_at: datetime | None = None,
    notices: tuple[str, ...] = (),
) -> ForeignRun:
    """Return a run of one scenario, named as its tool; each request counts as an iteration.

    One without any request is asked as well how many were answered: none is no pass.
    """
    counts = ScenarioCounts(tool, requests, None, None, None, 0, round(length_s * US_PER_S))
    return ForeignRun(
        began_at=began_at,
        length_s=length_s,
        scenarios=[counts],
        reported=figures,
        notices=notices,
    )


def json_run(path: Path, shown: Path, what: str, make: Callable[[Any], ForeignRun]) -> ForeignRun:
    """Read a small file of JSON as a run.

    Args:
        path: the path of the file.
        shown: the file as people know it.
        what: it should be.
        make: makes the run of its contents.

    Raises:
        ForeignFileError: it is not JSON, or something else than it should be.
    """
    try:
        return make(json.loads(text_of(path, shown)))
    except json.JSONDecodeError as error:
        why = f"it is not JSON: {error.msg} at character {error.colno:,}"
        raise ForeignFileError(shown, why, line=error.lineno) from error
    except RecursionError as error:
        raise ForeignFileError(shown, f"it is not JSON: {error}") from error
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        why = f"it is no {what}: {type(error).__name__} {error}"
        raise ForeignFileError(shown, why) from error


def text_of(path: Path, shown: Path) -> str:
    """Read a small file.

    Raises:
        ForeignFileError: it is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ForeignFileError(shown, f"it is not UTF-8: {error.reason}") from error
