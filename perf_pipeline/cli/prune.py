"""The command that removes old runs for good, after showing which ones and asking.

Add here: another way to say which runs may be removed. Keep out: which must stay
(judging/pruning.py).
"""

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import click

from perf_pipeline.cli.values import Age, WholeNumber

if TYPE_CHECKING:
    from perf_pipeline.judging.pruning import Pruning
    from perf_pipeline.store.state import State

_MOST: Final = 1_000_000


@click.command()
@click.option(
    "--keep",
    type=WholeNumber(1, _MOST),
    metavar="N",
    help="Keep the newest N runs; their re-runs are not counted.",
)
@click.option(
    "--older-than",
    "age_s",
    type=Age(),
    metavar="AGE",
    help="Remove only runs that are older than this, e.g. 90d or 12h.",
)
@click.option("--dry-run", is_flag=True, help="Only show what would be removed.")
@click.option("--yes", "-y", is_flag=True, help="Remove without asking.")
@click.pass_obj
def prune(
    state: "State", keep: int | None, age_s: float | None, *, dry_run: bool, yes: bool
) -> None:
    """Remove old runs for good: what was measured, their verdicts, spool files and reports.

    Give --keep, --older-than, or both; with both, only runs that are beyond both limits are
    removed. Runs that are pinned or accepted are kept, and so are those that a baseline needs: of
    each profile the newest runs, with which the next run will be compared, and all runs with which
    the kept ones were compared.
    """
    from perf_pipeline.judging import pruning
    from perf_pipeline.loading.locks import is_loading

    if keep is None and age_s is None:
        raise click.UsageError("say which runs may go: --keep N, --older-than AGE, or both")
    since = pruning.since(datetime.now(UTC), age_s)
    wish = pruning.Wish(keep, since, is_loading(state.folder))
    plan = pruning.plan_pruning(state, wish)
    _show(plan)
    if not plan.going or dry_run:
        click.echo("nothing was removed")
        return
    if not yes:
        _ask(len(plan.going))
    removed, freed_bytes = pruning.prune(state, wish, {run.run_id for run in plan.going})
    _tell(len(removed), freed_bytes)


def _show(plan: "Pruning") -> None:
    from perf_pipeline.report.rows import render_rows
    from perf_pipeline.report.wording import minute, plural

    if plan.going:
        rows = [(run.run_id, minute(run.began_at), run.profile) for run in plan.going]
        click.echo("These runs would be removed:")
        click.echo(render_rows(("run", "began (UTC)", "profile"), rows), nl=False)
    kept = [f"{plural(plan.kept, 'run')} as you said"]
    kept += [f"{plural(number, 'run')} {reason}" for reason, number in plan.staying.items()]
    click.echo(f"kept: {', '.join(kept)}")


def _ask(number: int) -> None:
    from perf_pipeline.report.wording import plural

    if not sys.stdin.isatty():
        raise click.UsageError(
            "there is no terminal to ask on; nothing was removed. Write --yes to remove these "
            "runs, or --dry-run to see them only"
        )
    click.confirm(f"Remove {plural(number, 'run')} for good?", abort=True)


def _tell(number: int, freed_bytes: int) -> None:
    from perf_pipeline.report.wording import plural
    from perf_pipeline.units import format_bytes

    click.echo(
        f"removed {plural(number, 'run')}; their files had {format_bytes(freed_bytes)}, and "
        "history.duckdb uses their room again"
    )
