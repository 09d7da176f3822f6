"""The command that loads a target.

Add here: an option of a run. Keep out: stored runs (history.py), and the steps of a run (runs/).
"""

from collections.abc import Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING

import click

from perf_pipeline.cli.alerts import alert_of_run, told_of_trouble
from perf_pipeline.cli.profiles import (
    environment_option,
    file_argument,
    fleet_option,
    only_option,
    out_option,
    outs_given,
    overrides_of,
    profile_given,
    profile_options,
    tag_option,
    tags_of,
)
from perf_pipeline.cli.telling_dagster import tell_of_run
from perf_pipeline.cli.values import WholeNumber
from perf_pipeline.cli.verdict import finish, form_options

if TYPE_CHECKING:
    from perf_pipeline.narration import Say
    from perf_pipeline.store.state import State


@click.command()
@file_argument
@profile_options
@only_option("Run only this benchmark; repeatable.")
@click.option(
    "--confirm",
    type=WholeNumber(0, 2),
    metavar="N",
    default=2,
    show_default=True,
    help="Re-run a suspect benchmark up to N times; the majority of its runs, the two before "
    "included, decides. With 0 it stays suspect.",
)
@tag_option("Give the run a tag, e.g. env=staging; repeatable.")
@out_option(" while the run goes on")
@environment_option
@fleet_option
@click.option(
    "--watch", is_flag=True, help="Serve a page that shows the run, and print its address."
)
@click.option("--open", "opens", is_flag=True, help="Open that page in the browser as well.")
@form_options
@click.pass_context
def run(
    context: click.Context,
    file: str | None,
    profile: str,
    overrides: Sequence[str],
    only: Sequence[str],
    tags: Sequence[tuple[str, str]],
    outs: Sequence[tuple[str, str]],
    *,
    confirm: int,
    fleet: str | None,
    on_environment_changed: str | None,
    watch: bool,
    opens: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Load the target, judge what was measured, compare it with earlier runs, and report.

    FILE is the same as --profile: the path of a .toml file, or a shipped profile. With --json,
    stderr has a JSON event per line while it runs (docs/cli.md).
    """
    state: State = context.obj
    given, named = profile_given(context, file, profile), tags_of(tags)
    from perf_pipeline.cli.narrator import EventNarrator, TerminalNarrator
    from perf_pipeline.loading.stopping import stop_on_signals

    stop = stop_on_signals()
    from perf_pipeline.config.loading import load_profile

    changed = {**overrides_of(overrides), **outs_given(outs)}
    if on_environment_changed is not None:  # in the profile, so that later reports end alike
        changed["baseline.onEnvironmentChanged"] = on_environment_changed
    if fleet is not None:
        changed["fleet.address"] = fleet
    checked = load_profile(given, changed, only=only)
    events = as_json and not quiet
    with nullcontext(EventNarrator()) if events else TerminalNarrator(quiet=quiet) as narrator:
        if watch or opens:
            _tell_page(state, narrator.say, quiet=quiet, opens=opens)
        from perf_pipeline.runs.pipeline import run_pipeline

        with told_of_trouble(checked):
            report = run_pipeline(
                checked,
                state=state,
                narrator=narrator,
                stop=stop,
                only=only,
                confirm=confirm,
                tags=named,
            )
        if isinstance(narrator, EventNarrator):
            narrator.end(report)
    try:
        finish(report, quiet=quiet, as_json=as_json)
    finally:
        tell_of_run(state, report.run_id, quiet=quiet or as_json)
        alert_of_run(checked, report)


def _tell_page(state: "State", say: "Say", *, quiet: bool, opens: bool) -> None:
    """Start the page of the run, and say where it is, even with --quiet, since it was asked for."""
    from perf_pipeline.cli.page import start_page

    address = start_page(state, opens=opens)
    told = f"follow the run at {address}" if address else "its page could not be served"
    if quiet:
        click.echo(told, err=True)
    else:
        say(told)
