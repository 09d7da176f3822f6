"""Hold the content of another tool's file, in our terms, before it becomes a run of the spool.

Add here: another thing that such a file may say. Keep out: how files are read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from perf_pipeline.errors import RequestError
from perf_pipeline.metrics.sample import ReportedFigure
from perf_pipeline.store.records import ScenarioCounts

TRIGGER: Final = "import"
"""Who started a run that another tool measured."""
LARGEST: Final = 1e15
"""No figure of a load is larger; as bytes these are a thousand terabytes."""
NOTHING_DONE: Final = (
    "it tells of no iteration and no request that ended, so that there is nothing to judge; did "
    "the target answer?"
)
"""Why a file is refused that a load leaves if its target never answered."""
WrittenThreshold = str | Mapping[str, object]


@dataclass(frozen=True, slots=True)
class ForeignRun:
    """Hold what a file says of a run.

    Attributes:
        began_at: when its load began; None if the file does not say.
        length_s: the length of its load, s; 0 where nobody knows it.
        scenarios: iterations of each, over the whole load.
        thresholds: metric key -> thresholds as a profile writes them.
        reported: figures that the tool worked out, where the file has no samples.
        has_requests: it tells of requests, so that it can be said how many were answered.
        unjudged: filters whose thresholds the file does not have: name there -> key here.
        renamed: keys of thresholds that somebody gave in the tool's words -> key here.
        cut: one sentence when the file ends before its run did; empty where it is whole.
        notices: what a reader of the figures must know, one sentence each.
    """

    began_at: datetime | None
    length_s: float
    scenarios: Sequence[ScenarioCounts]
    thresholds: Mapping[str, Sequence[WrittenThreshold]] = field(default_factory=dict)
    reported: Sequence[ReportedFigure] = ()
    has_requests: bool = True
    unjudged: Mapping[str, str] = field(default_factory=dict)
    renamed: Mapping[str, str] = field(default_factory=dict)
    cut: str = ""
    notices: Sequence[str] = ()


class ForeignFileError(RequestError):
    """Say which line of another tool's file can't be read, and why; nothing was imported.

    Args:
        path: the path of the file, as it was given.
        reason: goes on after "line N: ", or after the file where no line is meant.
        line: number of the line, from 1; 0 for the file as a whole.
        hint: the remedy.
    """

    def __init__(self, path: Path, reason: str, *, line: int = 0, hint: str = "") -> None:
        where = f"{path}, line {line:,}" if line else str(path)
        super().__init__(f"{where}: {reason}; nothing was imported", hint=hint)
