"""The command `compare`: a run against earlier runs, or two runs side by side.

Add here: another line of its answer. Keep out: comparing (judging/).
"""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from perf_pipeline.cli.ahead import run_ahead
from perf_pipeline.cli.collecting import collects_rarely
from perf_pipeline.cli.values import RunId

if TYPE_CHECKING:
    from perf_pipeline.analysis.baseline import Diff
    from perf_pipeline.judging.contrast import Contrast
    from perf_pipeline.store.state import State

_COMPARING: Final = (
    "perf_pipeline.judging.diagnosed",
    "perf_pipeline.report.terminal",
    "rich.table",
)


@click.command()
@click.argument("run_id", type=RunId(), required=False)
@click.argument("other", type=RunId(), required=False)
@click.option(
    "--html",
    "page",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write two runs as a page, one over the other: figures, plots, distributions.",
)
@click.pass_obj
@collects_rarely
def compare(state: "State", run_id: str | None, other: str | None, page: Path | None) -> None:
    """Compare a stored run with the runs before it, or any two stored runs with each other.

    One run (without RUN_ID, the last one) is shown series by series against its baseline, with the
    tier that is to blame. For two runs, everything else that differs between them is named as well.
    A version or a commit of the target stands for its newest run. The command only informs: it
    exits with 0 whatever it finds.
    """
    if other is None and page is not None:
        raise click.UsageError("--html compares two runs; name the second one, too")
    if other is None:
        _echo_comparison(state, run_id)
        return
    from perf_pipeline.judging.asked import asked_run

    first = asked_run(state, run_id)
    second = asked_run(state, other)
    if first == second:
        raise click.UsageError(f"{first} is named twice; compare it with another run")
    from perf_pipeline.judging.contrast import contrast

    found = contrast(state, first, second)
    _echo_contrast(found)
    if page is not None:
        _write_page(state, found, page)


def _write_page(state: "State", found: "Contrast", page: Path) -> None:
    from perf_pipeline.errors import StoreError
    from perf_pipeline.judging.overlay import overlay
    from perf_pipeline.report.overlay import render_overlay

    text = render_overlay(overlay(state, found))
    try:
        page.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StoreError(
            f"{page} can't be written: {error.strerror}", hint="name a file in another folder"
        ) from error
    click.echo(f"html: {page}")


def _echo_comparison(state: "State", run_id: str | None) -> None:
    with run_ahead(state, run_id, *_COMPARING) as (history, chosen):
        from perf_pipeline.judging.diagnosed import diagnosed_comparison

        found = diagnosed_comparison(history, state, chosen)
    from perf_pipeline.report.terminal import render_comparison

    text = render_comparison(
        found.diffs,
        shutil.get_terminal_size((100, 24)).columns,
        diagnosis=found.diagnosis,
        notices=found.notices,
        color=sys.stdout.isatty(),
    )
    click.echo(text, nl=False)


def _echo_contrast(found: "Contrast") -> None:
    from perf_pipeline.report.rows import render_rows

    for line in _contrast_lines(found):
        click.echo(line)
    rows = [_contrast_row(benchmark, diff) for benchmark, diff in found.diffs]
    columns = ("benchmark", "series", "A", "B", "change", "interval", "detectable", "status")
    click.echo(render_rows(columns, rows), nl=False)


def _contrast_lines(found: "Contrast") -> Iterator[str]:
    from perf_pipeline.judging.contrast import run_text

    for name, run in (("A", found.first), ("B", found.second)):
        yield f"{name}: {run_text(run)}"
    yield from found.notices


def _contrast_row(benchmark: str, diff: "Diff") -> tuple[object, ...]:
    from perf_pipeline.report.diff_texts import DiffTexts
    from perf_pipeline.report.wording import words

    shown = DiffTexts.of(benchmark, diff)
    return (
        shown.benchmark,
        shown.series,
        shown.fixed,
        shown.value,
        shown.change,
        shown.interval,
        shown.detectable,
        words(shown.status),
    )
