"""The command that compares two versions of a system on one machine at the same time.

Add here: an option of a comparison. Keep out: what a comparison is (runs/duet.py), its words
(report/).
"""

import shutil
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from perf_pipeline.cli.endings import end_with_verdict
from perf_pipeline.cli.profiles import (
    file_argument,
    only_option,
    overrides_of,
    profile_given,
    profile_options,
)
from perf_pipeline.cli.values import Seconds, Share
from perf_pipeline.cli.verdict import form_options

if TYPE_CHECKING:
    from perf_pipeline.analysis.duet_record import DuetRecord, OnUndecided
    from perf_pipeline.store.state import State


@click.command()
@file_argument
@profile_options
@only_option("Run only this benchmark; repeatable.")
@click.option(
    "--baseline",
    required=True,
    metavar="SIDE",
    help="What is compared with: a URL, a command with {port} in it that starts it, or "
    "git:REVISION.",
)
@click.option("--candidate", required=True, metavar="SIDE", help="What is judged, alike.")
@click.option(
    "--command",
    "start",
    default="",
    metavar="COMMAND",
    help="Starts a git revision on {port}, in its files.",
)
@click.option(
    "--prepare", default="", metavar="COMMAND", help="Run in a revision's files first: its build."
)
@click.option(
    "--within",
    type=Seconds(),
    default="3m",
    show_default=True,
    help="How long is measured at most; it ends as soon as the verdict is known.",
)
@click.option(
    "--warm-up",
    type=Seconds(),
    default="3s",
    show_default=True,
    help="How long each load runs before anything is counted.",
)
@click.option(
    "--margin",
    type=Share(),
    default="2%",
    show_default=True,
    help="The difference of the median that does not matter; twice of it for the mean, 2.5 times "
    "for the p95.",
)
@click.option(
    "--ready-within",
    type=Seconds(),
    default="60s",
    show_default=True,
    help="How long a side that is started may take until it is healthy.",
)
@click.option(
    "--on-undecided",
    type=click.Choice(["fail", "pass"]),
    default="fail",
    show_default=True,
    help="How it ends when the time was too short to tell: with 97, or with 0.",
)
@form_options
@click.pass_context
def duet(
    context: click.Context,
    file: str | None,
    profile: str,
    overrides: Sequence[str],
    only: Sequence[str],
    baseline: str,
    candidate: str,
    start: str,
    prepare: str,
    *,
    within: float,
    warm_up: float,
    margin: float,
    ready_within: float,
    on_undecided: "OnUndecided",
    quiet: bool,
    as_json: bool,
) -> None:
    """Say whether the candidate is slower than the baseline, without any history.

    Both get the requests of the profile (FILE) at the same time, in turns, so that a noisy machine
    is noisy for both. Ends with 0 when the candidate is FASTER or EQUIVALENT, 98 when it is SLOWER
    or fails more, 97 when that could not be told (docs/duet.md).
    """
    state: State = context.obj
    given = profile_given(context, file, profile)
    from perf_pipeline.cli.narrator import TerminalNarrator
    from perf_pipeline.loading.stopping import stop_on_signals

    stop = stop_on_signals()
    from perf_pipeline.analysis.duet_verdict import DuetRules
    from perf_pipeline.config.duet_sides import read_side
    from perf_pipeline.config.loading import load_profile
    from perf_pipeline.runs.duet import DuetWish, run_duet
    from perf_pipeline.units import US_PER_S

    wish = DuetWish(
        profile=load_profile(given, overrides_of(overrides), only=only),
        sides=(
            read_side("baseline", baseline, command=start, prepare=prepare),
            read_side("candidate", candidate, command=start, prepare=prepare),
        ),
        only=tuple(only),
        rules=DuetRules(margin=margin),
        length_us=round(within * US_PER_S),
        warm_up_us=round(warm_up * US_PER_S),
        ready_within_s=ready_within,
        on_undecided=on_undecided,
    )
    with TerminalNarrator(quiet=quiet or as_json) as narrator:
        record = run_duet(wish, state=state, narrator=narrator, stop=stop)
        narrator.say(f"reports: {state.reports(record.run_id)}")
    end_with_verdict(_shown(record, quiet=quiet, as_json=as_json), record.exit_code)


def _shown(record: "DuetRecord", *, quiet: bool, as_json: bool) -> str:
    """Return the report in the form that was asked for; JSON where both were."""
    if as_json:
        from perf_pipeline.report.duet_json import render_duet_json

        return render_duet_json(record)
    from perf_pipeline.report.duet_terminal import render_duet, render_duet_ending

    if quiet:
        return render_duet_ending(record)
    return render_duet(record, shutil.get_terminal_size((100, 24)).columns, sys.stdout.isatty())
