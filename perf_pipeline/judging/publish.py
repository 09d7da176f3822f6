"""Make the report of a stored run, and write it in every form.

Add here: a form of report, in `_FORMS`. Keep out: layout (report/) and SQL (store/).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Final

from perf_pipeline.config.baseline_policy import OnEnvironmentChanged
from perf_pipeline.config.profile import Profile
from perf_pipeline.config.questions import answering, asks_for_a_million
from perf_pipeline.errors import StoreError
from perf_pipeline.judging.attribution import attributions
from perf_pipeline.judging.benchmark_reports import benchmark_reports
from perf_pipeline.judging.compare import Comparison, compare_in
from perf_pipeline.judging.costs import top_costs_of, with_costs
from perf_pipeline.judging.evidence import findings_of
from perf_pipeline.judging.expected import Missing, extent_of, missing_of
from perf_pipeline.judging.ingest import profile_of
from perf_pipeline.judging.judge import is_what_if, judge_in, verdicts_of_run
from perf_pipeline.judging.lineage import origins_of
from perf_pipeline.judging.notices import notices_of
from perf_pipeline.judging.retention import let_go
from perf_pipeline.judging.slow_requests import slow_requests_of
from perf_pipeline.judging.trends import trends_of
from perf_pipeline.judging.withholding import withheld_of
from perf_pipeline.report.html import render_html
from perf_pipeline.report.junit import render_junit
from perf_pipeline.report.k6 import render_k6
from perf_pipeline.report.markdown import render_markdown
from perf_pipeline.report.model import Asked, RunReport
from perf_pipeline.store.export import export_readings_csv, export_tiers_csv
from perf_pipeline.store.history import History
from perf_pipeline.store.records import RunRecord
from perf_pipeline.store.state import State

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
    "this is a what-if: the run was judged by profile {} and not by its own; the history keeps the "
    "verdicts of its own profile"
)
_RESOURCES: Final = "resources-{}.csv"


def publish(
    state: State,
    run_id: str,
    *,
    profile: Profile | None = None,
    expected: Iterable[str] = (),
    on_environment_changed: OnEnvironmentChanged | None = None,
    judges: bool = False,
) -> RunReport:
    """Write every form of a run's report, and a CSV of host readings for each benchmark.

    Verdicts are the stored ones, or are made here if there are none; diffs are worked out again
    from the summaries. A what-if has its own folder and changes neither history nor report. After
    the report of the newest run, old raw samples are removed (`keepRawRuns` of its profile).

    Args:
        state: the folder of history and reports.
        run_id: the id of an ingested run.
        profile: the profile that judges; None for the run's own; any other makes a what-if.
        expected: benchmarks that it should have run in addition to those of its stored plan; a
            missing one is reported as such.
        on_environment_changed: what a withheld gate does to the run; None for what the profile
            says.
        judges: whether to judge the run first, as `judge_run` does, in the same opening of the
            history.

    Raises:
        RequestError: there is no such run.
        StoreBusyError: the history is open elsewhere.
        StoreError: the reports can't be written; the previous ones stay.
    """
    with state.history() as history:
        made = report_in(
            history,
            state,
            run_id,
            profile=profile,
            expected=expected,
            on_environment_changed=on_environment_changed,
            judges=judges,
        )
    return written(made)


def report_in(
    history: History,
    state: State,
    run_id: str,
    *,
    profile: Profile | None = None,
    expected: Iterable[str] = (),
    on_environment_changed: OnEnvironmentChanged | None = None,
    judges: bool = False,
) -> RunReport:
    """Do what `publish` does in an open history, except for what `written` does.

    Raises:
        RequestError: there is no such run.
        StoreError: the readings can't be written.
    """
    if judges:
        judge_in(history, state, run_id, profile=profile)
    comparison = compare_in(history, run_id, profile=profile)
    own = profile_of(history, run_id)
    what_if = is_what_if(history, run_id, profile)
    folder = _made(state.reports(run_id) / (WHAT_IF if what_if else ""))
    missing = missing_of(history, state, run_id, also=expected)
    judged_by = profile or own
    on_change = on_environment_changed or judged_by.baseline.on_environment_changed
    report = _assemble(history, run_id, judged_by, missing, comparison, on_change)
    export_readings_csv(history, run_id, partial(_resources, folder))
    export_tiers_csv(history, run_id, lambda name: _resources(folder, f"{name}-tiers"))
    let_go(history, state, run_id, own.keep_raw_runs)
    paths = {form: str(folder / name) for form, (name, _) in _FORMS.items()}
    paths["resources"] = str(_resources(folder, "*"))
    told = [_NOT_ITS_OWN.format(profile.name)] if what_if and profile is not None else []
    return replace(
        report,
        notices=(*report.notices, *told),
        history_path=str(state.history_file),
        paths=paths,
    )


def written(report: RunReport) -> RunReport:
    """Write every form of a report of `report_in`, and return it; the history may be closed.

    Raises:
        StoreError: the reports can't be written; the previous ones stay.
    """
    for form, (_, render) in _FORMS.items():
        with _written(Path(report.paths[form])) as part:
            part.write_text(render(report), encoding="utf-8")
    return report


def html_report(state: State, run_id: str) -> Path:
    """Return the file of a run's HTML report; write it if it does not exist.

    Raises:
        RequestError: there is no such run.
        StoreBusyError: the history is open elsewhere.
        StoreError: the report can't be written.
    """
    name, _ = _FORMS["html"]
    path = state.reports(run_id) / name
    if not path.is_file():
        publish(state, run_id)
    return path


def written_forms(state: State, run_id: str) -> dict[str, str]:
    """Return the files of a run's report that exist, by form."""
    folder = state.reports(run_id)
    paths = {form: folder / name for form, (name, _) in _FORMS.items()}
    return {form: str(path) for form, path in paths.items() if path.is_file()}


def report_of(state: State, run_id: str) -> RunReport:
    """Return the report of a stored run by its own profile, without writing it.

    Raises:
        RequestError: there is no such run.
        StoreBusyError: the history is open elsewhere.
    """
    with state.history() as history:
        comparison = compare_in(history, run_id)
        profile = profile_of(history, run_id)
        missing = missing_of(history, state, run_id)
        on_change = profile.baseline.on_environment_changed
        return _assemble(history, run_id, profile, missing, comparison, on_change)


def _resources(folder: Path, name: str) -> Path:
    return folder / _RESOURCES.format(name)


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _not_written(folder, error) from error
    return folder


@contextmanager
def _written(path: Path) -> Iterator[Path]:
    """Yield a file that becomes `path` once it is complete; until then the previous file stays.

    Raises:
        StoreError: the file can't be written.
    """
    part = path.with_name(f"{path.name}.part")
    try:
        yield part
        part.replace(path)
    except OSError as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise _not_written(path, error) from error


def _not_written(path: Path, error: OSError) -> StoreError:
    return StoreError(
        f"{path} can't be written: {error.strerror}; the verdicts are in the history",
        hint="make room or change its permissions, then run `perf-pipeline report`",
    )


def _assemble(
    history: History,
    run_id: str,
    profile: Profile,
    missing: Mapping[str, Missing],
    comparison: Comparison,
    on_change: OnEnvironmentChanged,
) -> RunReport:
    run = history.run(run_id)
    outcomes = history.outcomes(run_id)
    verdicts = verdicts_of_run(history, run_id, profile)
    what_if = is_what_if(history, run_id, profile)
    findings = findings_of(history, run_id, profile)
    costs = top_costs_of(history, run_id)
    found = attributions(history, run_id, findings, verdicts=verdicts, past=comparison.past)
    origins = () if what_if else tuple(origins_of(history, run_id))
    return RunReport(
        run_id=run_id,
        profile=run.profile,
        began_at=datetime.fromisoformat(run.began_at),
        wall_s=sum(outcome.wall_s for outcome in outcomes),
        target=run.target,
        environment={**run.machine, **run.environment},
        notices=_notices(history, run, profile, what_if=what_if),
        benchmarks=tuple(benchmark_reports(history, run, profile, verdicts, missing, origins)),
        diffs=comparison.told,
        findings=tuple(findings),
        attributions=tuple(with_costs(found, costs)),
        trends=tuple(trends_of(history, comparison)),
        revision=run.revision,
        tags=run.tags,
        costs=tuple((name, top) for name, tops in costs.items() for top in tops),
        slow_requests=tuple(slow_requests_of(history, run_id)),
        asked=None if asks_for_a_million(profile) else _asked(profile),
        origins=origins,
        withheld=withheld_of(history, run_id, comparison.told, on_change),
    )


def _notices(
    history: History, run: RunRecord, profile: Profile, *, what_if: bool
) -> tuple[str, ...]:
    return (
        *run.notices,
        *notices_of(history, run.run_id),
        *extent_of(history, run.run_id, profile, what_if=what_if),
        *run.problems,
    )


def _asked(profile: Profile) -> Asked:
    return Asked(profile.question.text if profile.question else "", answering(profile))
