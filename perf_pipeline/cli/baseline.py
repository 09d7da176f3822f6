"""Commands about baselines: baseline, changes, lineage; compare and backtest are beside it.

They register with the group of main.py.
Add here: a command about comparing runs. Keep out: anything that Dagster needs too
(judging/).
"""

from typing import TYPE_CHECKING, Final

import click

from perf_pipeline.cli.backtest import backtest
from perf_pipeline.cli.collecting import collects_rarely
from perf_pipeline.cli.compare import compare
from perf_pipeline.cli.values import Line, RunId

if TYPE_CHECKING:
    from perf_pipeline.judging.lineage import RunLineage
    from perf_pipeline.store.baselines import SeriesKey
    from perf_pipeline.store.comparison_rows import DiffRow
    from perf_pipeline.store.state import State

_NAME: Final = Line(100)
_MOST: Final = 3
_reason: Final = click.option(
    "--reason",
    type=Line(1_000),
    required=True,
    help="The reason; it is kept with who decided, and when.",
)


@click.group()
def baseline() -> None:
    """Pin releases, accept a new normal, and list who decided what."""


@baseline.command()
@click.argument("run_id", type=RunId())
@click.option(
    "--name",
    type=_NAME,
    required=True,
    help="Name of the release, e.g. v1.4; it can move to another run.",
)
@_reason
@click.pass_obj
@collects_rarely
def pin(state: "State", run_id: str, name: str, reason: str) -> None:
    """Compare every later run with this one as well.

    That finds a slow drift, which no comparison with the runs just before can show.
    """
    from perf_pipeline.judging.asked import asked_run
    from perf_pipeline.judging.baselines import pin as pin_run

    row = pin_run(state, asked_run(state, run_id), name=name, reason=reason)
    click.echo(f"pinned {row.name}: run {row.run_id}, by {row.made_by}: {row.reason}")
    _echo_gaps(state, row.run_id)
    _echo_lone(state, row.run_id)


@baseline.command()
@click.argument("name", type=_NAME)
@_reason
@click.pass_obj
@collects_rarely
def unpin(state: "State", name: str, reason: str) -> None:
    """End the comparison with a pinned release; the decision stays in the list."""
    from perf_pipeline.judging.asked import require_runs
    from perf_pipeline.judging.baselines import unpin as unpin_release

    row = unpin_release(require_runs(state), name=name, reason=reason)
    click.echo(f"unpinned {row.name} (run {row.run_id}), by {row.made_by}: {row.reason}")


@baseline.command()
@click.argument("run_id", type=RunId())
@click.option(
    "--metric",
    type=Line(300),
    help="Only this metric, e.g. http_req_duration{scenario:read}.  [default: every metric]",
)
@_reason
@click.pass_obj
@collects_rarely
def accept(state: "State", run_id: str, metric: str | None, reason: str) -> None:
    """Accept what this run shows as the new normal: its baseline begins with this run."""
    from perf_pipeline.judging.asked import asked_run
    from perf_pipeline.judging.baselines import accept as accept_run

    chosen = asked_run(state, run_id)
    row, points = accept_run(state, chosen, metric=metric or "", reason=reason)
    click.echo(
        f"accepted from run {row.run_id} on, by {row.made_by}: {row.reason} ({len(points)} series)"
    )
    _echo_gaps(state, row.run_id)


def _echo_gaps(state: "State", run_id: str) -> None:
    """Say what the decision is not about, because the run did not measure it whole, or failed."""
    from perf_pipeline.judging.gaps import outside_baselines

    for gap in outside_baselines(state, run_id):
        click.echo(f"!! not part of it: {gap}")


def _echo_lone(state: "State", run_id: str) -> None:
    """Say of which series the release is the pinned run alone, and what follows."""
    from perf_pipeline.judging.releases import lone_series
    from perf_pipeline.quoting import first_few
    from perf_pipeline.report.wording import plural

    for runs, labels in lone_series(state, run_id).items():
        click.echo(
            f"!! out of line with the {plural(runs, 'run')} before it: the release is this run "
            f"alone in {plural(len(labels), 'series', 'series')} ({first_few(labels, _MOST)}). If "
            "that is noise and not the release, later runs are compared with the noise: pin "
            "another run of this release"
        )


@baseline.command(name="list")
@click.pass_obj
@collects_rarely
def list_decisions(state: "State") -> None:
    """List every decision: who made it, when and why, and whether it still holds."""
    from perf_pipeline.judging.asked import require_runs
    from perf_pipeline.judging.baselines import all_decisions
    from perf_pipeline.report.rows import render_rows
    from perf_pipeline.report.wording import minute

    rows = [
        (
            minute(row.made_at),
            row.action,
            row.name or row.metric or "every metric",
            row.run_id,
            row.made_by,
            "yes" if holds else "no",
            row.reason,
        )
        for row, holds in all_decisions(require_runs(state))
    ]
    columns = ("when (UTC)", "what", "of", "run", "by", "holds", "why")
    click.echo(render_rows(columns, rows), nl=False)


@click.command()
@click.pass_obj
@collects_rarely
def changes(state: "State") -> None:
    """List the dated changes of level: found by the gate, accepted, or found by looking back."""
    from perf_pipeline.judging.asked import require_runs
    from perf_pipeline.judging.baselines import all_changes
    from perf_pipeline.report.rows import render_rows

    rows = [
        (
            row.run_id,
            version,
            row.series.benchmark,
            _label(row.series),
            _figure(row.series.metric, row.series.statistic, row.before),
            _figure(row.series.metric, row.series.statistic, row.after),
            row.found_by,
            "" if row.p_value is None else f"{row.p_value:.2g}",
        )
        for row, version in all_changes(require_runs(state))
    ]
    columns = ("first run", "version", "benchmark", "series", "before", "after", "found by", "p")
    click.echo(render_rows(columns, rows), nl=False)


@click.command()
@click.argument("run_id", type=RunId(), required=False)
@click.pass_obj
@collects_rarely
def lineage(state: "State", run_id: str | None) -> None:
    """Say which runs, configuration and code each comparison of a run rests on.

    Without RUN_ID, the last run is shown.
    """
    from perf_pipeline.judging.asked import asked_run
    from perf_pipeline.judging.lineage import lineage_of
    from perf_pipeline.report.rows import render_rows

    found = lineage_of(state, asked_run(state, run_id))
    run = found.run
    click.echo(
        f"run {run.run_id}: profile {run.profile}, configuration {run.config_hash}, "
        f"perf_pipeline {run.code_version}, environment {run.environment_id}, by {run.trigger}"
    )
    sets, rows = _lineage_rows(found)
    columns = ("benchmark", "series", "against", "runs", "status", "judged by", "reason")
    click.echo(render_rows(columns, rows), nl=False)
    for number, run_ids in enumerate(sets, 1):
        click.echo(f"[{number}] {' '.join(run_ids)}")


def _lineage_rows(
    found: "RunLineage",
) -> tuple[list[tuple[str, ...]], list[tuple[object, ...]]]:
    """Return the distinct baselines, and one row per comparison that points to one of them."""
    sets: list[tuple[str, ...]] = []
    rows: list[tuple[object, ...]] = []
    for benchmark, diff, origin in found.comparisons:
        run_ids = tuple(origin.baseline_run_ids)
        if run_ids and run_ids not in sets:
            sets.append(run_ids)
        runs = f"{len(run_ids)} [{sets.index(run_ids) + 1}]" if run_ids else "0"
        against = origin.reference or diff.baseline_kind
        by = f"{origin.config_hash} {origin.code_version}"
        rows.append((benchmark, _label(diff), against, runs, diff.status, by, origin.reason))
    return sets, rows


def _label(series: "SeriesKey | DiffRow") -> str:
    from perf_pipeline.metrics.naming import series_label

    return series_label(series.metric, series.tags, series.statistic)


def _figure(metric: str, statistic: str, value: float | None) -> str:
    from perf_pipeline.report.wording import quantity, statistic_unit

    return quantity(value, statistic_unit(metric, statistic))


COMMANDS: Final[tuple[click.Command, ...]] = (compare, baseline, changes, lineage, backtest)
