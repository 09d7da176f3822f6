"""Read k6's summaries: of `--summary-export`, and of `handleSummary` in both of its forms.

They hold figures that k6 worked out, and no samples. `--summary-export` writes `false` for a
threshold that held, `handleSummary` writes `ok: true`, and the newer form writes neither.
Source: grafana/k6 internal/cmd/summary.go, and the files of k6 itself in the tests.

Add here: another form of summary. Keep out: points (store/imports/).
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from perf_pipeline.importing.reporting import json_run
from perf_pipeline.metrics.catalog import TARGET_ANSWERED
from perf_pipeline.metrics.naming import metric_key, written_filter
from perf_pipeline.metrics.sample import ReportedFigure
from perf_pipeline.metrics.threshold_grammar import parse_key
from perf_pipeline.store.imports.foreign import (
    NOTHING_DONE,
    ForeignFileError,
    ForeignRun,
    WrittenThreshold,
)
from perf_pipeline.store.imports.k6_names import (
    BUILT_IN,
    REQUESTS,
    USUAL_FILTER,
    K6Metric,
    Meant,
    asked_series,
    meant_by,
)
from perf_pipeline.store.records import ScenarioCounts
from perf_pipeline.store.tags_text import tags_text
from perf_pipeline.units import US_PER_S

SUMMARY_KEYS: Final = frozenset({"results", "metrics"})
"""One of them is in every summary of k6."""
_NO_THRESHOLDS: Final = (
    "this summary of k6 holds no thresholds, so those of its script are NOT checked; give them "
    "with --threshold, or name the file of --summary-export of the same run with --summary"
)
_NEW_PERCENTILE: Final = "p"
_MS_PER_S: Final = 1_000
_RATE_PARTS: Final = ("passes", "fails")
_STARTS: Final = ("iterations", "dropped_iterations")
_ENDED: Final = frozenset({"iterations", "http_reqs"})
# What k6 reports of its own load although nothing that the load did has ended.
_OF_LOAD: Final = frozenset({"vus", "vus_max", "data_sent", "data_received", "dropped_iterations"})


@dataclass(frozen=True, slots=True)
class _Entry:
    """Hold one metric of a summary, in whatever form it was.

    Attributes:
        metric: as k6 knows it.
        tags: its filter.
        figures: statistic -> figure, as the grammar of thresholds writes statistics.
        thresholds: text -> whether it held there.
    """

    metric: K6Metric
    tags: Mapping[str, str]
    figures: Mapping[str, float]
    thresholds: Mapping[str, bool]

    @property
    def meant(self) -> Meant:
        """Say what it is here."""
        return meant_by(self.metric, self.tags)


def read_summary(path: Path, *, shown: Path, asked: Collection[str] = ()) -> ForeignRun:
    """Read a summary of k6.

    Args:
        path: the path of the file.
        shown: the file as people know it.
        asked: keys of thresholds that somebody gives, perhaps in k6's words.

    Raises:
        ForeignFileError: it is no summary of k6, or is cut off.
    """
    return json_run(path, shown, "summary of k6", lambda found: _run(found, shown, asked))


def _run(whole: Any, shown: Path, asked: Collection[str]) -> ForeignRun:
    if not isinstance(whole, dict) or not (SUMMARY_KEYS & whole.keys()):
        raise ForeignFileError(
            shown,
            "it is JSON, but not a summary of k6: it has neither `metrics` nor `results`",
        )
    entries, length_s, began_at = _newer(whole) if "results" in whole else _older(whole)
    by_name = {entry.metric.name: entry for entry in entries if not entry.tags}
    metrics = {entry.metric.name: entry.metric for entry in entries}
    has_thresholds = any(entry.thresholds for entry in entries)
    if not (has_thresholds or asked or any(_is_of_something_done(entry) for entry in entries)):
        raise ForeignFileError(shown, NOTHING_DONE)
    known = {entry.meant.key for entry in entries}
    return ForeignRun(
        began_at=began_at,
        length_s=length_s,
        scenarios=_scenarios(entries, length_s),
        thresholds=_thresholds(entries),
        reported=[*_reported(entries, by_name, length_s)],
        has_requests="http_req_failed" in by_name,
        unjudged={} if has_thresholds else dict(_filters(entries)),
        renamed={
            found.key: found.meant.key
            for found in asked_series(asked, metrics)
            if found.meant.is_same or found.meant.key in known
        },
        notices=() if has_thresholds else (_NO_THRESHOLDS,),
    )


def _filters(entries: Iterable[_Entry]) -> Iterator[tuple[str, str]]:
    """Yield the filters, as k6 calls them and as they are called here; it has them for thresholds.

    The filter by the expected answer is in every summary.
    """
    for entry in entries:
        if entry.tags and entry.tags != USUAL_FILTER:
            yield metric_key(entry.metric.name, written_filter(entry.tags)), entry.meant.key


def _newer(whole: Mapping[str, Any]) -> tuple[list[_Entry], float, datetime | None]:
    """Read the machine-readable form: results.metrics is a list, and percentiles are `p95`."""
    entries = []
    for row in whole["results"]["metrics"]:
        name, tags = parse_key(row["name"])
        metric = K6Metric(name, row["type"], row.get("contains") == "time")
        thresholds = {
            threshold["source"]: bool(threshold["ok"])
            for threshold in row.get("thresholds") or ()
            if threshold
        }
        entries.append(_Entry(metric, tags, dict(_figures(row["values"])), thresholds))
    entries += [
        _Entry(K6Metric("checks", "rate"), {}, dict(_figures(row["values"])), {})
        for row in whole["results"].get("checks", {}).get("metrics", ())
        if row["name"] == "checks_succeeded"
    ]
    at = whole.get("metadata", {}).get("generated_at", "")
    return entries, float(whole["config"]["duration"]), _moment(at)


def _older(whole: Mapping[str, Any]) -> tuple[list[_Entry], float, datetime | None]:
    """Read handleSummary's object, or what --summary-export makes of it."""
    entries, length_s = [], whole.get("state", {}).get("testRunDurationMs", 0) / _MS_PER_S
    for key, row in whole["metrics"].items():
        name, tags = parse_key(key)
        written = row.get("thresholds") or {}
        if "type" in row:
            metric = K6Metric(name, row["type"], row.get("contains") == "time")
            held = {text: bool(threshold["ok"]) for text, threshold in written.items()}
            figures = dict(_figures(row["values"]))
        else:
            metric = BUILT_IN.get(name) or K6Metric(name, _kind_of(row))
            held = {text: not failed for text, failed in written.items()}
            figures = dict(_figures(row))
        entries.append(_Entry(metric, tags, figures, held))
    return entries, length_s or _length_of(entries), None


def _kind_of(row: Mapping[str, Any]) -> str:
    """Tell a metric's kind by its figures: --summary-export does not say it."""
    if "passes" in row:
        return "rate"
    if "avg" in row or "med" in row:
        return "trend"
    return "gauge" if "value" in row else "counter"


def _figures(values: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """Yield the figures under the names that thresholds use."""
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        if (
            name.startswith(_NEW_PERCENTILE)
            and name[1:].replace("_", ".").replace(".", "").isdigit()
        ):
            yield f"p({name[1:].replace('_', '.')})", float(value)
        else:
            yield name, float(value)
    passes, fails = (values.get(name) for name in _RATE_PARTS)
    if isinstance(passes, int) and isinstance(fails, int):
        yield "count", float(passes + fails)
        if passes + fails:
            yield "rate", passes / (passes + fails)
    elif "total" in values:
        yield "count", float(values["total"])


def _length_of(entries: list[_Entry]) -> float:
    """Work the length of the load out of a counter and its rate."""
    for entry in entries:
        count, rate = entry.figures.get("count"), entry.figures.get("rate")
        if entry.metric.kind == "counter" and count and rate:
            return count / rate
    return 0.0


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        return None


def _scenarios(entries: Sequence[_Entry], length_s: float) -> list[ScenarioCounts]:
    """Count the iterations of the scenarios that filters name; all others are `default`."""
    counts: dict[str, dict[str, int]] = {"default": {}}
    for entry in entries:
        name = entry.tags.get("scenario", "default")
        of_scenario = counts.setdefault(name, {})
        if entry.metric.name in _STARTS and len(entry.tags) == (name != "default"):
            of_scenario[entry.metric.name] = int(entry.figures.get("count", 0))
    for metric in _STARTS:
        named = sum(of.get(metric, 0) for name, of in counts.items() if name != "default")
        counts["default"][metric] = counts["default"].get(metric, 0) - named
    return [
        ScenarioCounts(
            name, of.get("iterations", 0), of.get("dropped_iterations", 0), None, None,
            0, round(length_s * US_PER_S),
        )
        for name, of in counts.items()
    ]  # fmt: skip


def _thresholds(entries: list[_Entry]) -> dict[str, list[WrittenThreshold]]:
    return {entry.meant.key: list(entry.thresholds) for entry in entries if entry.thresholds}


def _reported(
    entries: list[_Entry], by_name: Mapping[str, _Entry], length_s: float
) -> Iterator[ReportedFigure]:
    requests = by_name["http_reqs"].figures.get("count", 0) if "http_reqs" in by_name else 0
    for entry in entries:
        if entry.metric.name in _STARTS:
            continue  # counted by scenario
        figures = dict(entry.figures)
        if entry.metric.kind == "trend" and not entry.tags and entry.metric.name in REQUESTS:
            figures.setdefault("count", requests)
        if entry.metric.kind == "counter" and length_s:
            figures.setdefault("rate", figures.get("count", 0) / length_s)
        meant, tags = entry.meant, tags_text(entry.meant.tags)
        if _is_without_values(entry, figures):
            continue
        for statistic, value in figures.items():
            yield ReportedFigure(meant.metric, tags, statistic, value)
        for text, held in entry.thresholds.items():
            yield ReportedFigure(meant.metric, tags, text, float(held))
    failed = by_name.get("http_req_failed")
    if failed is not None and "rate" in failed.figures:
        yield ReportedFigure(TARGET_ANSWERED, "", "rate", 1 - failed.figures["rate"])


def _is_of_something_done(entry: _Entry) -> bool:
    """Say whether a metric has a value of something that ended, as of a call of gRPC."""
    if entry.metric.name in _ENDED:
        return not entry.tags
    return (
        entry.metric.name not in _OF_LOAD
        and any(entry.figures.values())
        and not _is_without_values(entry, entry.figures)
    )


def _is_without_values(entry: _Entry, figures: Mapping[str, float]) -> bool:
    """Say whether k6 had no value: it shows zeros then, and lets every threshold hold.

    A rate of no value is a rate of nothing. A trend is without values where its count is 0, and
    where all its figures are, although no count says that there were any.
    """
    if entry.metric.kind == "rate":
        return not figures.get("count", 1)
    if entry.metric.kind == "trend":
        return not figures.get("count", 0) and not any(entry.figures.values())
    return False
