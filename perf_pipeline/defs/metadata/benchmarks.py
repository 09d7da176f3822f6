"""Make the metadata of a benchmark's asset and its checks, and of the seeding's asset.

Add here: another fact of one benchmark. Keep out: verdicts of a whole run (judgement.py).
Dagster concept: metadata, https://docs.dagster.io/guides/build/assets/metadata-and-tags
"""

from base64 import b64encode
from collections.abc import Iterable, Mapping
from typing import Final

import dagster as dg

from perf_pipeline.analysis.baseline import Diff
from perf_pipeline.defs.metadata.cells import Metadata, figure, table, verdict_row
from perf_pipeline.loading.seeding import SeededRun
from perf_pipeline.metrics.threshold import Status, Verdict
from perf_pipeline.report.capacity_table import capacity_table
from perf_pipeline.report.faults import fault_table
from perf_pipeline.report.growth import growth_table
from perf_pipeline.report.headline import headline, verdict_of
from perf_pipeline.report.model import BenchmarkReport
from perf_pipeline.report.pages import anchor
from perf_pipeline.report.picture import knee_picture, main_picture, scaling_picture
from perf_pipeline.report.request_table import request_table
from perf_pipeline.report.scaling_table import scaling_table
from perf_pipeline.report.why import merged
from perf_pipeline.report.wording import observed, statistic_unit, summary_key

_HOST_CPU: Final = "host_cpu_percent"
# With these columns the table would be too wide.
_LEFT_TO_THE_REPORT: Final = frozenset({"p90", "p99.9"})
_MOST_PLOTTED: Final = 10
_INVALID: Final = "the load generator did not keep up, so the figures say nothing of the target"


def seeded_metadata(seeded: SeededRun) -> Metadata:
    """Show what was seeded."""
    return {
        "COPY (rows/s)": figure(seeded.rows_per_s),
        "rows removed of earlier runs": dg.MetadataValue.int(seeded.removed),
        **{f"ids for {name}": dg.MetadataValue.int(count) for name, count in seeded.sets.items()},
        "dagster/row_count": dg.MetadataValue.int(seeded.users),
    }


def benchmark_metadata(
    run_id: str,
    benchmark: BenchmarkReport,
    facts: Mapping[str, str],
    *,
    diffs: Iterable[tuple[str, Diff]] = (),
    link: str = "",
) -> Metadata:
    """Show a benchmark: how it ended, its requests, a plot, its verdicts, and figures that plot.

    Args:
        run_id: the id of the run.
        benchmark: the benchmark as reports show it.
        facts: the facts of the run by name: profile, target, version.
        diffs: the diffs of the run, by benchmark; none while it is under way.
        link: address of the run's report; empty without one.
    """
    return {
        "run": dg.MetadataValue.text(run_id),
        "verdict": dg.MetadataValue.text(verdict_of(benchmark)),
        **_why(benchmark),
        **{name: dg.MetadataValue.text(fact) for name, fact in facts.items()},
        **({"report": dg.MetadataValue.url(f"{link}#{anchor(benchmark.name)}")} if link else {}),
        "requests": _requests(diffs, benchmark),
        **_faults(benchmark),
        **_growth(benchmark),
        **_plot(benchmark),
        **_searched(benchmark),
        **_scaled(benchmark),
        "verdicts": table(verdict_row(verdict) for verdict in benchmark.verdicts),
        **plotted(benchmark),
        "measured (s)": figure(benchmark.measured_s),
    }


def _why(benchmark: BenchmarkReport) -> Metadata:
    """Say in one sentence why the figures are not what they seem; nothing if all is well."""
    if not benchmark.valid:
        why = f"{_INVALID}: {merged(benchmark.invalid_reasons)}"
    else:
        why = "; ".join(benchmark.problems)
    return {"why": dg.MetadataValue.text(why)} if why else {}


def _requests(
    diffs: Iterable[tuple[str, Diff]], benchmark: BenchmarkReport
) -> dg.TableMetadataValue:
    made = request_table(diffs, benchmark)
    kinds = [row[0] for row in made.rows if len(row) == 1]
    kind, rows = "", []
    for row in made.rows:
        if len(row) == 1:
            kind = row[0]  # the page's table has headings where this one has a column
            continue
        shown = made.by_title(row)
        told = {title: text for title, text in shown.items() if title not in _LEFT_TO_THE_REPORT}
        rows.append({**told, **({"of": kind} if len(kinds) > 1 else {})})
    return table(rows)


def _faults(benchmark: BenchmarkReport) -> Metadata:
    """Show what was broken on purpose, and when the target recovered; nothing without faults."""
    made = fault_table(benchmark.faults)
    return {"faults": table(map(made.by_title, made.rows))} if made.rows else {}


def _growth(benchmark: BenchmarkReport) -> Metadata:
    """Show what grew; nothing for a benchmark without `growth`."""
    made = growth_table(benchmark.growth)
    return {"growth": table(map(made.by_title, made.rows))} if made.rows else {}


def _plot(benchmark: BenchmarkReport) -> Metadata:
    return _picture("over time", *main_picture(benchmark))


def _picture(name: str, title: str, drawn: str) -> Metadata:
    if not drawn:
        return {}
    data = b64encode(drawn.encode()).decode("ascii")
    shown = f"**{title}**\n\n![{title}](data:image/svg+xml;base64,{data})"
    return {name: dg.MetadataValue.md(shown)}


def _searched(benchmark: BenchmarkReport) -> Metadata:
    """Show what a search for a capacity found: its answer, its knee and its windows."""
    found = benchmark.capacity
    if found is None:
        return {}
    made = capacity_table(found)
    return {
        "capacity": dg.MetadataValue.text(found.sentence),
        **_picture("knee", *knee_picture(found)),
        "windows": table(map(made.by_title, made.rows)),
    }


def _scaled(benchmark: BenchmarkReport) -> Metadata:
    """Show what a scaling run found: its answer, its curve and its points."""
    found = benchmark.scaling
    if found is None:
        return {}
    made = scaling_table(found)
    return {
        "scaling": dg.MetadataValue.text(found.sentence),
        **_picture("curve", *scaling_picture(found)),
        "units": table(map(made.by_title, made.rows)),
    }


def plotted(benchmark: BenchmarkReport) -> Metadata:
    """Return at most ten numbers that are worth plotting over materialisations.

    First come the headline figures, then those that thresholds judge, and the load of the host. For
    an INVALID benchmark it is only the load of the host, because plots would show the others as if
    they were true.
    """
    lead = headline(benchmark)
    summaries = {summary_key(summary): summary for summary in benchmark.summaries}
    latency = summaries.get(lead.latency)
    leading = {
        f"{lead.latency} p(95) (ms)": lead.p95_ms,
        f"{lead.latency} med (ms)": latency.median if latency else None,
        f"{lead.unit} per second": lead.per_s,
        "errors (%)": None if lead.error_ratio is None else 100 * lead.error_ratio,
    }
    host = summaries.get(_HOST_CPU)
    last = {f"{_HOST_CPU} avg (percent)": host.average if host else None}
    judged = {
        f"{threshold.key} {threshold.statistic_label} "
        f"({statistic_unit(threshold.metric, threshold.statistic)})": verdict.observed
        for verdict in benchmark.verdicts
        for threshold in [verdict.threshold]
    }
    told = {**leading, **judged} if benchmark.valid else {}
    first = {name: value for name, value in told.items() if value is not None}
    kept = dict(list(first.items())[: _MOST_PLOTTED - len(last)])
    return {name: figure(value) for name, value in {**kept, **last}.items() if value is not None}


def check_result(benchmark: str, name: str, verdict: Verdict) -> dg.AssetCheckResult:
    """Show one verdict as an asset check; a missed goal is a warning."""
    threshold = verdict.threshold
    is_aim = verdict.status is Status.WARN
    proves = verdict.observed is not None and verdict.status is not Status.INVALID
    seen = {"observed": figure(verdict.observed or 0.0)} if proves else {}
    return dg.AssetCheckResult(
        check_name=name,
        asset_key=dg.AssetKey(benchmark),
        passed=verdict.status is Status.PASS,
        severity=dg.AssetCheckSeverity.WARN if is_aim else dg.AssetCheckSeverity.ERROR,
        description=verdict_sentence(verdict),
        metadata={
            **seen,
            "bound": dg.MetadataValue.float(threshold.bound),
            "unit": dg.MetadataValue.text(statistic_unit(threshold.metric, threshold.statistic)),
            "threshold": dg.MetadataValue.text(f"{threshold.key}: {threshold.source}"),
            "status": dg.MetadataValue.text(verdict.status.value),
            **({"reason": dg.MetadataValue.text(verdict.reason)} if verdict.reason else {}),
        },
    )


def verdict_sentence(verdict: Verdict) -> str:
    """Say what a verdict means; a figure that proves nothing is not compared with its bound."""
    threshold = verdict.threshold
    wanted = f"{threshold.key} wants {threshold.source}"
    if verdict.status is Status.INVALID:
        return f"INVALID: {wanted}, which was not judged, because {verdict.reason or _INVALID}"
    seen, reason = observed(verdict), f" ({verdict.reason})" if verdict.reason else ""
    if verdict.status is Status.NO_DATA and verdict.observed is None:
        return f"NO_DATA: {wanted}, and nothing was measured: {verdict.reason or 'no sample'}"
    if verdict.status is Status.NO_DATA:
        return f"NO_DATA: {wanted}, and the figure, {seen}, proves nothing{reason}"
    return f"{verdict.status.value}: {threshold.key} is {seen}, wanted {threshold.source}{reason}"
