"""Commands about baselines: compare, baseline, changes, lineage; backtest is backtest.py.

They register with the group of main.py.
Add here: a command about comparing runs. Keep out: anything that Dagster needs too
(judging/).
"""

import shutil
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import click

from perf_pipeline.cli.backtest import backtest

if TYPE_CHECKING:
    from perf_pipeline.analysis.baseline import Diff
    from perf_pipeline.judging.contrast import Contrast
    from perf_pipeline.judging.lineage import RunLineage
    from perf_pipeline.store.baselines import SeriesKey
    from perf_pipeline.store.records import DiffRow
    from perf_pipeline.store.state import State

_reason: Final = click.option("--reason", required=True, help="Why; kept with who and when.")


@click.group()
def baseline() -> None:
    """Pin releases, accept a new normal, and see who decided what."""


@baseline.command()
@click.argument("run_id")
@click.option("--name", required=True, help="Of the release, e.g. v1.4; a name can move on.")
@_reason
@click.pass_obj
def pin(state: "State", run_id: str, name: str, reason: str) -> None:
    """Compare every later run with this one, whatever history follows: guards slow drift."""
    from perf_pipeline.judging.baselines import pin as pin_run

    row = pin_run(state, run_id, name=_text(name, "name"), reason=_text(reason, "reason"))
    click.echo(f"pinned {row.name}: run {row.run_id}, by {row.made_by}: {row.reason}")


@baseline.command()
@click.argument("name")
@_reason
@click.pass_obj
def unpin(state: "State", name: str, reason: str) -> None:
    """End the comparison with a release; the decision stays in the list."""
    from perf_pipeline.judging.baselines import unpin as unpin_release

    row = unpin_release(state, name=name, reason=_text(reason, "reason"))
    click.echo(f"unpinned {row.name} (run {row.run_id}), by {row.made_by}: {row.reason}")


@baseline.command()
@click.argument("run_id")
@click.option("--metric", default="", help="Only this one, e.g. http_req_duration{scenario:read}.")
@_reason
@click.pass_obj
def accept(state: "State", run_id: str, metric: str, reason: str) -> None:
    """Take what this run shows for the new normal: later runs are compared since it."""
    from perf_pipeline.judging.baselines import accept as accept_run

    row, points = accept_run(state, run_id, metric=metric, reason=_text(reason, "reason"))
    click.echo(
        f"accepted from run {row.run_id} on, by {row.made_by}: {row.reason} ({len(points)} series)"
    )


@baseline.command(name="list")
@click.pass_obj
def list_decisions(state: "State") -> None:
    """List every decision with who, when and why, and whether it still holds."""
    from perf_pipeline.judging.baselines import all_decisions
    from perf_pipeline.report.rows import render_rows

    rows = [
        (
            row.made_at[:16].replace("T", " "),
            row.action,
            row.name or row.metric or "every metric",
            row.run_id,
            row.made_by,
            "yes" if holds else "no",
            row.reason,
        )
        for row, holds in all_decisions(state)
    ]
    columns = ("when (UTC)", "what", "of", "run", "by", "holds", "why")
    click.echo(render_rows(columns, rows), nl=False)


@click.command()
@click.pass_obj
def changes(state: "State") -> None:
    """List dated changes of level: by the gate, accepted, and found looking back."""
    from perf_pipeline.judging.baselines import all_changes
    from perf_pipeline.report.rows import render_rows

    rows = [
        (
            row.run_id,
            row.series.benchmark,
            _label(row.series),
            _figure(row.series.metric, row.series.statistic, row.before),
            _figure(row.series.metric, row.series.statistic, row.after),
            row.found_by,
            "" if row.p_value is None else f"{row.p_value:.2g}",
        )
        for row in all_changes(state)
    ]
    columns = ("first run", "benchmark", "series", "before", "after", "found by", "p")
    click.echo(render_rows(columns, rows), nl=False)


@click.command()
@click.argument("run_id", required=False)
@click.pass_obj
def lineage(state: "State", run_id: str | None) -> None:
    """Say which runs, configuration and code each comparison of a run comes from."""
    from perf_pipeline.judging.lineage import lineage_of
    from perf_pipeline.judging.publish import latest_run
    from perf_pipeline.report.rows import render_rows

    found = lineage_of(state, run_id or latest_run(state))
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
    """Give the distinct baselines, and one row per comparison that points to one of them."""
    sets: list[tuple[str, ...]] = []
    rows: list[tuple[object, ...]] = []
    for benchmark, diff, origin in found.comparisons:
        run_ids = tuple(origin.baseline_run_ids)
        if run_ids and run_ids not in sets:
            sets.append(run_ids)
        runs = f"{len(run_ids)} [{sets.index(run_ids) + 1}]" if run_ids else "0"
        against = origin.reference or diff.baseline_kind
        by = f"{origin.config_hash} {origin.code_version}"
        rows.append((benchmark, _series(diff), against, runs, diff.status, by, origin.reason))
    return sets, rows


@click.command()
@click.argument("run_id", required=False)
@click.argument("other", required=False)
@click.pass_obj
def compare(state: "State", run_id: str | None, other: str | None) -> None:
    """Compare a stored run with the runs before it, or any two stored runs with each other.

    One run: every series against its baseline, and which tier it was.
    Two runs: whatever differs beside the figures is named; that informs and exits with 0.
    """
    from perf_pipeline.judging.attribution import attributions_of_run
    from perf_pipeline.judging.compare import compare_run
    from perf_pipeline.judging.evidence import findings_of_run
    from perf_pipeline.judging.publish import latest_run
    from perf_pipeline.report.model import Diagnosis
    from perf_pipeline.report.terminal import render_comparison

    if run_id and other:
        _echo_contrast(state, run_id, other)
        return
    run = run_id or latest_run(state)
    diffs = compare_run(state, run)
    diagnosis = Diagnosis(
        tuple(findings_of_run(state, run)), tuple(attributions_of_run(state, run))
    )
    width = shutil.get_terminal_size((100, 24)).columns
    color = sys.stdout.isatty()
    click.echo(render_comparison(diffs, width, diagnosis=diagnosis, color=color), nl=False)


def _echo_contrast(state: "State", first: str, second: str) -> None:
    from perf_pipeline.judging.contrast import contrast
    from perf_pipeline.report.rows import render_rows

    found = contrast(state, first, second)
    for line in _contrast_lines(found):
        click.echo(line)
    rows = [_contrast_row(benchmark, diff) for benchmark, diff in found.diffs]
    columns = ("benchmark", "series", "A", "B", "change", "interval", "detectable", "status")
    click.echo(render_rows(columns, rows), nl=False)


def _contrast_lines(found: "Contrast") -> Iterator[str]:
    for name, run in (("A", found.first), ("B", found.second)):
        yield (
            f"{name}: run {run.run_id} of {run.began_at[:16].replace('T', ' ')} UTC, profile "
            f"{run.profile}, perf_pipeline {run.code_version}"
        )
    yield from found.notices


def _contrast_row(benchmark: str, diff: "Diff") -> tuple[object, ...]:
    from perf_pipeline.report import wording

    unit = wording.diff_unit(diff)
    return (
        benchmark,
        diff.series.label,
        wording.quantity(diff.pinned, unit),
        wording.quantity(diff.value, unit),
        wording.change_of(diff),
        wording.interval_of(diff),
        wording.detectable_of(diff),
        wording.words(diff.status),
    )


def _series(row: "DiffRow") -> str:
    key = f"{row.metric}{{{row.tags}}}" if row.tags else row.metric
    return f"{key} {row.statistic}"


def _label(series: "SeriesKey") -> str:
    key = f"{series.metric}{{{series.tags}}}" if series.tags else series.metric
    return f"{key} {series.statistic}"


def _figure(metric: str, statistic: str, value: float | None) -> str:
    from perf_pipeline.report.wording import quantity, statistic_unit

    return quantity(value, statistic_unit(metric, statistic))


def _text(value: str, option: str) -> str:
    if not value.strip():
        raise click.UsageError(f"--{option} is empty")
    return value.strip()


COMMANDS: Final[tuple[click.Command, ...]] = (compare, baseline, changes, lineage, backtest)
