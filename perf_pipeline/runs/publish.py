"""Make the report of a stored run and write it in every form.

Add here: a form of report, in `_FORMS`. Keep out: layout (report/) and SQL (store/).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Final, TypeVar

from perf_pipeline.analysis.baseline import Diff
from perf_pipeline.config.profile import Profile
from perf_pipeline.errors import RequestError
from perf_pipeline.metrics.summary import Summary
from perf_pipeline.metrics.threshold import Status, Verdict
from perf_pipeline.report.html import render_html
from perf_pipeline.report.junit import render_junit
from perf_pipeline.report.k6 import render_k6
from perf_pipeline.report.markdown import render_markdown
from perf_pipeline.report.model import BenchmarkReport, BenchmarkStatus, RunReport, TimeSeries
from perf_pipeline.runs.attributing import attributions
from perf_pipeline.runs.compare import compare_run
from perf_pipeline.runs.evidence import findings_of
from perf_pipeline.runs.ingest import WAIT_S, profile_of
from perf_pipeline.runs.judge import (
    NOT_RUN,
    is_what_if,
    spoilt_scenarios,
    thresholds_of,
    verdicts_of_run,
)
from perf_pipeline.runs.lineage import origins_of
from perf_pipeline.runs.notices import notices_of
from perf_pipeline.runs.reruns import RERUNS, TRIGGER
from perf_pipeline.runs.retention import let_go
from perf_pipeline.runs.session import history_of, reports_of
from perf_pipeline.runs.trends import trends_of
from perf_pipeline.store.export import export_readings_csv
from perf_pipeline.store.history import History, open_history
from perf_pipeline.store.records import BenchmarkOutcome, RunKey

T = TypeVar("T")

_FORMS: Final[Mapping[str, tuple[str, Callable[[RunReport], str]]]] = MappingProxyType(
    {
        "markdown": ("report.md", render_markdown),
        "html": ("report.html", render_html),
        "json": ("summary.json", render_k6),
        "junit": ("junit.xml", render_junit),
    }
)
WHAT_IF: Final = "what-if"
_NOT_ITS_OWN: Final = (
    "what if: judged by profile {}, not by its own; the history keeps what its own one gave"
)
_RESOURCES: Final = "resources-{}.csv"
_STATUS: Final = MappingProxyType(
    {
        "complete": BenchmarkStatus.COMPLETED,
        "stopped": BenchmarkStatus.STOPPED,
        "aborted": BenchmarkStatus.FAILED,
        "abort_on_fail": BenchmarkStatus.ABORTED,
    }
)


def publish(
    state: Path,
    run_id: str,
    *,
    profile: Profile | None = None,
    expected: Iterable[str] = (),
    problems: tuple[str, ...] = (),
) -> RunReport:
    """Write every form of a run's report, with one CSV of host readings each benchmark.

    Verdicts are the stored ones, made here where there are none; diffs are worked out anew from the
    summaries. A what-if has a folder of its own and changes neither history nor report. After the
    newest run's report, old raw samples go (`keepRawRuns` of its profile).

    Args:
        state: folder of history and reports.
        run_id: an ingested run.
        profile: judged by; the run's own when None; another one is a what-if.
        expected: benchmarks that were asked for; one that did not run is reported as such.
        problems: of the run as a whole, one sentence each.

    Raises:
        RequestError: there is no such run.
        StoreBusyError: the history is open elsewhere.
    """
    diffs = compare_run(state, run_id, profile=profile)
    with open_history(history_of(state), wait_s=WAIT_S) as history:
        own = profile_of(history, run_id)
        what_if = is_what_if(history, run_id, profile)
        folder = reports_of(state, run_id) / (WHAT_IF if what_if else "")
        folder.mkdir(parents=True, exist_ok=True)
        report = _assemble(history, run_id, profile or own, expected, diffs)
        for one in history.outcomes(run_id):
            csv_path = folder / _RESOURCES.format(one.benchmark)
            export_readings_csv(history, RunKey(run_id, one.benchmark), csv_path)
        let_go(history, state, run_id, own.keep_raw_runs)
    paths = {form: str(folder / name) for form, (name, _) in _FORMS.items()}
    paths["resources"] = str(folder / _RESOURCES.format("*"))
    if what_if and profile is not None:
        problems = (*problems, _NOT_ITS_OWN.format(profile.name))
    report = replace(
        report,
        notices=(*report.notices, *problems),
        history_path=str(history_of(state)),
        paths=paths,
    )
    for form, (_, render) in _FORMS.items():
        Path(paths[form]).write_text(render(report), encoding="utf-8")
    return report


def latest_run(state: Path) -> str:
    """Give the newest run of the history; a re-run belongs to the run that it confirms.

    Raises:
        RequestError: there is none.
    """
    if history_of(state).exists():
        with open_history(history_of(state), wait_s=WAIT_S) as history:
            runs = history.runs(limit=RERUNS + 1)
        for run in runs:
            if run.trigger != TRIGGER:
                return run.run_id
    raise RequestError(
        f"there is no run in {history_of(state)}", hint="`perf-pipeline run` makes one"
    )


def run_to_judge(state: Path, run_id: str) -> str:
    """Give this run when it measured something, else the newest one: judging needs no new load.

    Raises:
        RequestError: there is no run at all.
    """
    if history_of(state).exists():
        with open_history(history_of(state), wait_s=WAIT_S) as history:
            if any(one.run_id == run_id for one in history.runs()):
                return run_id
    return latest_run(state)


def _assemble(
    history: History,
    run_id: str,
    profile: Profile,
    expected: Iterable[str],
    diffs: list[tuple[str, Diff]],
) -> RunReport:
    run = history.run(run_id)
    outcomes = history.outcomes(run_id)
    verdicts = verdicts_of_run(history, run_id, profile)
    summaries = _by_benchmark(history.summaries(run_id))
    benchmarks = [
        _benchmark(
            history,
            RunKey(run_id, one.benchmark),
            one,
            verdicts.get(one.benchmark, []),
            summaries.get(one.benchmark, []),
        )
        for one in outcomes
    ]
    ran = {one.benchmark for one in outcomes}
    benchmarks += [_not_run(profile, name) for name in expected if name not in ran]
    findings = findings_of(history, run_id, profile)
    return RunReport(
        run_id=run_id,
        profile=run.profile,
        began_at=datetime.fromisoformat(run.began_at),
        wall_s=sum(one.wall_s for one in outcomes),
        target=run.target,
        environment=run.environment,
        notices=(*run.notices, *notices_of(history, run_id)),
        benchmarks=tuple(benchmarks),
        diffs=tuple(diffs),
        findings=tuple(findings),
        attributions=tuple(attributions(history, run_id, findings)),
        trends=tuple(trends_of(history, run_id, diffs)),
        origins=() if is_what_if(history, run_id, profile) else tuple(origins_of(history, run_id)),
    )


def _benchmark(
    history: History,
    key: RunKey,
    outcome: BenchmarkOutcome,
    verdicts: list[Verdict],
    summaries: list[Summary],
) -> BenchmarkReport:
    spoilt = spoilt_scenarios(outcome, verdicts)
    return BenchmarkReport(
        name=outcome.benchmark,
        status=_STATUS[outcome.status],
        wall_s=outcome.wall_s,
        measured_s=outcome.measured_s,
        valid=outcome.valid or bool(spoilt),
        invalid_reasons=() if spoilt else tuple(outcome.invalid_reasons),
        verdicts=tuple(verdicts),
        summaries=tuple(summaries),
        problems=(*spoilt, *outcome.problems),
        series=tuple(TimeSeries(plot.name, plot.unit, plot.points) for plot in history.plots(key)),
    )


def _not_run(profile: Profile, benchmark: str) -> BenchmarkReport:
    """Report a benchmark that was asked for and never began: every promise is without data."""
    thresholds = thresholds_of(profile, benchmark)
    return BenchmarkReport(
        name=benchmark,
        status=BenchmarkStatus.NOT_RUN,
        wall_s=0.0,
        measured_s=0.0,
        verdicts=tuple(Verdict(one, None, Status.NO_DATA, NOT_RUN) for one in thresholds),
    )


def _by_benchmark(pairs: Iterable[tuple[str, T]]) -> dict[str, list[T]]:
    grouped: dict[str, list[T]] = {}
    for benchmark, one in pairs:
        grouped.setdefault(benchmark, []).append(one)
    return grouped
