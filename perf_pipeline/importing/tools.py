"""The tools whose files can be imported, and how each is read.

Add here: a tool, with its reader and the sentence that names its files. Keep out: reading.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from perf_pipeline.importing.k6_summary import SUMMARY_KEYS, read_summary
from perf_pipeline.importing.locust import read_locust
from perf_pipeline.importing.vegeta_report import read_report
from perf_pipeline.importing.wrk2 import read_wrk2
from perf_pipeline.store.imports.foreign import ForeignFileError, ForeignRun
from perf_pipeline.store.imports.jtl import read_jtl
from perf_pipeline.store.imports.k6_lines import CSV_HEAD
from perf_pipeline.store.imports.k6_points import read_points
from perf_pipeline.store.imports.lines import first_line, why_no_json
from perf_pipeline.store.imports.vegeta_results import read_results

Reader = Callable[[Path, Path, Path, Collection[str]], ForeignRun]
"""Takes the file without compression, the folder of the benchmark, the file as it is shown, and
the keys of the thresholds that somebody gives."""


@dataclass(frozen=True, slots=True)
class Tool:
    """Describe a tool whose files can be imported.

    Attributes:
        name: on the command line, and of profile and benchmark by default.
        files: which of its files are read, for people.
        read: reads one.
    """

    name: str
    files: str
    read: Reader


def _read_k6(path: Path, folder: Path, shown: Path, asked: Collection[str]) -> ForeignRun:
    first = first_line(path)
    if first.startswith(CSV_HEAD) or '"metric":' in first or _is_line_of_points(first):
        return read_points(path, folder, shown=shown, asked=asked)
    if first.startswith("{"):
        return read_summary(path, shown=shown, asked=asked)
    raise ForeignFileError(
        shown, f"it is none of {_K6_FILES}: its first line is {first[:60]!r}", line=1
    )


def _is_line_of_points(first: str) -> bool:
    """Say whether a line is a whole JSON object and no summary, which may stand on one line."""
    return not why_no_json(first) and not any(f'"{key}":' in first for key in SUMMARY_KEYS)


_K6_FILES: Final = (
    "the output of k6 run --out json or --out csv, a --summary-export, or a summary that "
    "handleSummary wrote"
)


def _read_jmeter(path: Path, folder: Path, shown: Path, _: Collection[str]) -> ForeignRun:
    return read_jtl(path, folder, shown=shown)


def _read_locust(path: Path, _: Path, shown: Path, __: Collection[str]) -> ForeignRun:
    return read_locust(path, shown=shown)


def _read_vegeta(path: Path, folder: Path, shown: Path, _: Collection[str]) -> ForeignRun:
    first = first_line(path)
    if '"latency":' in first and '"latencies"' not in first:
        return read_results(path, folder, shown=shown)
    return read_report(path, shown=shown)


def _read_wrk2(path: Path, _: Path, shown: Path, __: Collection[str]) -> ForeignRun:
    return read_wrk2(path, shown=shown)


TOOLS: Final[Mapping[str, Tool]] = MappingProxyType(
    {
        tool.name: tool
        for tool in (
            Tool("k6", _K6_FILES, _read_k6),
            Tool("jmeter", "results (JTL) as CSV or XML", _read_jmeter),
            Tool("locust", "_stats.csv or _stats_history.csv", _read_locust),
            Tool("vegeta", "report --type=json or encode --to json", _read_vegeta),
            Tool("wrk2", "the output of wrk2 --latency", _read_wrk2),
        )
    }
)
