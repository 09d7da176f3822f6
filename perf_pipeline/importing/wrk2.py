"""Read what wrk2 prints with --latency: its distribution by HdrHistogram.

wrk2 counts a latency from the moment at which its plan wanted the request to start, so that it is
`response_time` here. Only its uncorrected latencies (-U) are `http_req_duration`, and so are those
of wrk, which has no plan.
Source: giltene/wrk2, README.md and src/wrk.c; HdrHistogram's percentile output.

Add here: another line of wrk2. Keep out: other tools.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from perf_pipeline.importing.reporting import reported, reported_run, share_failed, text_of
from perf_pipeline.metrics.sample import ReportedFigure
from perf_pipeline.store.imports.foreign import ForeignFileError, ForeignRun

_SECTION: Final = re.compile(
    r"^ *(?:Latency Distribution(?: \((.*)\))?|(.* Latency Distribution.*))$", re.MULTILINE
)
_SHARE: Final = re.compile(r"^ *([0-9.]+)% +([0-9.]+)(us|ms|s|m|h)\s*$", re.MULTILINE)
_SPECTRUM: Final = re.compile(
    r"^ *([0-9.]+) +([01]\.[0-9]+) +([0-9]+) +(?:[0-9.]+|inf)\s*$", re.MULTILINE
)
_MEAN: Final = re.compile(r"#\[Mean +=\s*([0-9.]+)")
_MOST: Final = re.compile(r"#\[Max +=\s*([0-9.]+), Total count +=\s*([0-9]+)")
_WHOLE: Final = re.compile(r"([0-9]+) requests in ([0-9.]+)(us|ms|s|m|h),")
_RATE: Final = re.compile(r"Requests/sec: +([0-9.]+)")
_ERRORS: Final = re.compile(
    r"Socket errors: connect ([0-9]+), read ([0-9]+), write ([0-9]+), timeout ([0-9]+)"
)
_STATUS: Final = re.compile(r"Non-2xx or 3xx responses: ([0-9]+)")
_MS: Final = {"us": 0.001, "ms": 1.0, "s": 1_000.0, "m": 60_000.0, "h": 3_600_000.0}
_MS_PER_S: Final = 1_000
_JUDGED: Final = (50.0, 75.0, 90.0, 95.0, 99.0, 99.9, 99.99, 99.999)
_NOTICES: Final = (
    "wrk2 does not report iterations: each request counts as one",
    "percentiles between the lines of wrk2's spectrum are those of the next line above",
)


def read_wrk2(path: Path, *, shown: Path) -> ForeignRun:
    """Read what wrk2 printed.

    Raises:
        ForeignFileError: it is something else, or was cut off.
    """
    text = text_of(path, shown)
    try:
        return _run(text, shown)
    except ValueError as error:
        raise ForeignFileError(shown, f"it is no output of wrk2: {error}") from error


def _run(text: str, shown: Path) -> ForeignRun:
    begin = _SECTION.search(text)
    if begin is None:
        raise ForeignFileError(
            shown, "it has no latency distribution of wrk2", hint="run wrk2 with --latency"
        )
    whole, rate = _WHOLE.search(text), _RATE.search(text)
    if whole is None or rate is None:
        raise ForeignFileError(shown, "it ends before the line Requests/sec; it was cut off")
    requests, length_s = int(whole[1]), float(whole[2]) * _MS[whole[3]] / _MS_PER_S
    figures = [*reported("http_reqs", {"count": requests, "rate": float(rate[1])})]
    figures += share_failed(*_failed(text, requests))
    for metric, section in _sections(text) if requests else ():
        figures += _figures(metric, section)
    return reported_run("wrk2", requests, length_s, figures, notices=_NOTICES)


def _failed(text: str, requests: int) -> tuple[int, int]:
    """Count failed and all requests; those without an answer are none of the others."""
    errors, status = _ERRORS.search(text), _STATUS.search(text)
    unanswered = sum(map(int, errors.groups())) if errors else 0
    return unanswered + (int(status[1]) if status else 0), requests + unanswered


def _sections(text: str) -> Iterator[tuple[str, str]]:
    """Yield each distribution with its metric."""
    found = list(_SECTION.finditer(text))
    ends = [*(match.start() for match in found[1:]), len(text)]
    for match, end in zip(found, ends, strict=True):
        title = match[0]
        is_planned = "HdrHistogram" in title and "Uncorrected" not in title
        yield ("response_time" if is_planned else "http_req_duration"), text[match.end() : end]


def _figures(metric: str, section: str) -> Iterator[ReportedFigure]:
    exact = {
        float(share): float(value) * _MS[unit] for share, value, unit in _SHARE.findall(section)
    }
    spectrum = [
        (float(share) * 100, float(value)) for value, share, _ in _SPECTRUM.findall(section)
    ]
    found: dict[str, float | None] = {}
    for percentile in _JUDGED:
        later = (value for share, value in spectrum if share >= percentile)
        found[f"p({percentile:g})"] = exact.get(percentile, next(later, None))
    found["med"] = found.pop("p(50)")
    if (mean := _MEAN.search(section)) is not None:
        found["avg"] = float(mean[1])
    if (most := _MOST.search(section)) is not None:
        found |= {"max": float(most[1]), "count": float(most[2])}
    if spectrum:
        found["min"] = spectrum[0][1]
    yield from reported(metric, found)
