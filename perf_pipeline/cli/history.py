"""Commands on stored runs: list, show, open, judge, report, and ingest spooled runs.

Add here: another command that sends no load. Keep out: comparing runs (baseline.py, compare.py).
"""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import click

from perf_pipeline.cli.ahead import run_ahead
from perf_pipeline.cli.collecting import collects_rarely
from perf_pipeline.cli.profiles import environment_option, profile_names, tag_option, tags_of
from perf_pipeline.cli.values import RunId, WholeNumber
from perf_pipeline.cli.verdict import finish, form_options, shown

if TYPE_CHECKING:
    from perf_pipeline.config.baseline_policy import OnEnvironmentChanged
    from perf_pipeline.store.state import State

_REPORTING: Final = (
    "perf_pipeline.judging.publish",
    "perf_pipeline.report.terminal",
    "jinja2",
    "rich.table",
)


@click.command()
@click.argument("run_id", type=RunId(), required=False)
@click.option(
    "--profile",
    shell_complete=profile_names,
    help="Judge by the thresholds of this profile, not by the run's own.",
)
@form_options
@environment_option
@click.pass_obj
@collects_rarely
def judge(
    state: "State",
    run_id: str | None,
    profile: str | None,
    *,
    quiet: bool,
    as_json: bool,
    on_environment_changed: "OnEnvironmentChanged | None",
) -> None:
    """Judge a stored run again, without a new load.

    RUN_ID may be shortened, or `latest`; without it, the last run is judged. The verdict by another
    profile is a what-if: it is shown and not stored.
    """
    checked = None
    if profile is not None:
        from perf_pipeline.config.loading import load_profile

        checked = load_profile(profile)
    with run_ahead(state, run_id, *_REPORTING) as (history, chosen):
        from perf_pipeline.judging.publish import report_in, written

        found = report_in(
            history,
            state,
            chosen,
            profile=checked,
            on_environment_changed=on_environment_changed,
            judges=True,
        )
    finish(written(found), quiet=quiet, as_json=as_json)


@click.command()
@click.argument("run_id", type=RunId(), required=False)
@form_options
@click.pass_obj
@collects_rarely
def report(state: "State", run_id: str | None, *, quiet: bool, as_json: bool) -> None:
    """Write the reports of a stored run again, print one, and exit by its verdict.

    RUN_ID may be shortened, or `latest`; without it, the last run is reported.
    """
    with run_ahead(state, run_id, *_REPORTING) as (history, chosen):
        from perf_pipeline.judging.publish import report_in, written

        found = report_in(history, state, chosen)
    finish(written(found), quiet=quiet, as_json=as_json)


@click.command()
@click.argument("run_id", type=RunId())
@form_options
@click.pass_obj
@collects_rarely
def show(state: "State", run_id: str, *, quiet: bool, as_json: bool) -> None:
    """Show the report of a stored run; write no file, and exit with 0 whatever it says.

    RUN_ID may be shortened, or `latest`.
    """
    from perf_pipeline.judging.asked import asked_run
    from perf_pipeline.judging.publish import report_of

    found = report_of(state, asked_run(state, run_id))
    click.echo(shown(found, quiet=quiet, as_json=as_json), nl=False)


@click.command("open")
@click.argument("run_id", type=RunId(), required=False)
@click.pass_obj
@collects_rarely
def open_report(state: "State", run_id: str | None) -> None:
    """Print the path of a run's HTML report, and open it in a browser where there is one.

    RUN_ID may be shortened, or `latest`; without it, the last run is taken. If its report is
    missing, it is written first.
    """
    from perf_pipeline.cli.browser import open_in_browser
    from perf_pipeline.judging.asked import asked_run
    from perf_pipeline.judging.publish import html_report

    path = html_report(state, asked_run(state, run_id))
    click.echo(path)
    if not open_in_browser(path):
        click.echo("no browser can be opened here; open this file in one", err=True)


@click.command("list")
@click.option(
    "--limit",
    type=WholeNumber(1, 10_000),
    metavar="N",
    default=20,
    show_default=True,
    help="Show the newest N runs.",
)
@tag_option("List only runs with this tag; repeatable, for runs that have all of the tags.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array, for other programs.")
@click.pass_obj
@collects_rarely
def list_runs(
    state: "State", limit: int, tags: Sequence[tuple[str, str]], *, as_json: bool
) -> None:
    """List the stored runs, newest first: when, by what profile, of what, and how they ended."""
    from perf_pipeline.judging.listing import COLUMNS, listed_runs
    from perf_pipeline.report.rows import render_rows

    found = listed_runs(state, limit, tags_of(tags))
    if as_json:
        click.echo(json.dumps([listed.plain for listed in found], indent=1, ensure_ascii=False))
    else:
        click.echo(render_rows(COLUMNS, [listed.row for listed in found]), nl=False)


@click.command()
@click.argument("run_id", type=RunId(), required=False)
@click.pass_obj
@collects_rarely
def ingest(state: "State", run_id: str | None) -> None:
    """Store the runs that wait in the spool, and judge them.

    RUN_ID may be shortened; without it, every run of the spool is stored. Storing a run again does
    no harm.
    """
    from perf_pipeline.judging.recovering import recover_runs

    recover_runs(state, run_id, say=click.echo)


COMMANDS: Final[tuple[click.Command, ...]] = (judge, report, show, open_report, list_runs, ingest)
