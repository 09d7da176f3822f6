"""The command that compares two versions of a system on one machine at the same time.

Add here: an option of a comparison. Keep out: what a comparison is (runs/duet.py), its words
(report/).
"""

import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import click

from perf_pipeline.cli.endings import end_with_verdict
from perf_pipeline.cli.profiles import (
    file_argument,
    only_option,
    overrides_of,
    profile_given,
    profile_options,
)
from perf_pipeline.cli.values import Seconds, Share, Text
from perf_pipeline.cli.verdict import form_options
from perf_pipeline.units import US_PER_S

if TYPE_CHECKING:
    from perf_pipeline.analysis.duet_record import DuetRecord
    from perf_pipeline.store.state import State


_DURATIONS: Final = frozenset({"within", "warm_up", "ready_within"})
_OPTIONS: Final = (
    (
        "--baseline",
        "SIDE",
        Text(),
        "URL, DSN, env:NAME, command with {port} or {topic}, git:REVISION, or reference.",
    ),
    ("--candidate", "SIDE", Text(), "The side that is judged, in the same notation."),
    (
        "--command",
        "COMMAND",
        Text(),
        "Command that starts a git revision on {port} or {topic}, in its working copy.",
    ),
    ("--prepare", "COMMAND", Text(), "Command that builds a revision first, in its working copy."),
    (
        "--within",
        "DURATION",
        Seconds(),
        "Measure for at most this long (3m); it ends as soon as the verdict is known.",
    ),
    (
        "--warm-up",
        "DURATION",
        Seconds(),
        "How long each load runs before anything is counted (3s).",
    ),
    (
        "--margin",
        "SHARE",
        Share(),
        "The difference of the median that does not matter (2%); wider for mean and p95.",
    ),
    (
        "--ready-within",
        "DURATION",
        Seconds(),
        "How long a side that is started may take until it is healthy (60s).",
    ),
    (
        "--on-undecided",
        None,
        click.Choice(["fail", "pass"]),
        "Exit code when the time was too short to decide: 97 (fail, the default), or 0.",
    ),
)
"""Each overrides a key of the profile's `[duet]`."""


def _duet_options(command: Callable[..., None]) -> Callable[..., None]:
    for name, metavar, kind, text in reversed(_OPTIONS):
        command = click.option(name, metavar=metavar, type=kind, help=text)(command)
    return command


@click.command()
@file_argument
@profile_options
@only_option("Run only this benchmark; repeatable.")
@_duet_options
@form_options
@click.pass_context
def duet(
    context: click.Context,
    /,
    file: str | None,
    profile: str,
    overrides: Sequence[str],
    only: Sequence[str],
    *,
    quiet: bool,
    as_json: bool,
    **asked: Any,
) -> None:
    """Say whether the candidate is slower than the baseline, without any history.

    Both get the requests, SQL or messages of the profile (FILE) at the same time, in turns, so that
    a noisy machine is noisy for both. Ends with 0 when the candidate is FASTER or EQUIVALENT, 98
    when it is SLOWER or fails more, 97 when it cannot decide (docs/duet.md).
    """
    state: State = context.obj
    given = profile_given(context, file, profile)
    from perf_pipeline.cli.narrator import TerminalNarrator
    from perf_pipeline.loading.stopping import stop_on_signals

    stop = stop_on_signals()
    from perf_pipeline.config.duet import DuetConfig
    from perf_pipeline.config.loading import load_profile
    from perf_pipeline.runs.duet import run_duet, wish_of

    checked = load_profile(given, overrides_of(overrides), only=only)
    config = (checked.duet or DuetConfig()).model_copy(update=_given(asked))
    wish = wish_of(checked, config, only)
    with TerminalNarrator(quiet=quiet or as_json) as narrator:
        record = run_duet(wish, state=state, narrator=narrator, stop=stop)
        narrator.say(f"reports: {state.reports(record.run_id)}")
    end_with_verdict(_shown(record, quiet=quiet, as_json=as_json), record.exit_code)


def _given(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that were given, as keys of `[duet]`; durations in µs."""
    given = {name: value for name, value in asked.items() if value is not None}
    for name in _DURATIONS & given.keys():
        given[f"{name}_us"] = round(given.pop(name) * US_PER_S)
    return given


def _shown(record: "DuetRecord", *, quiet: bool, as_json: bool) -> str:
    """Return the report in the form that was asked for; JSON where both were."""
    if as_json:
        from perf_pipeline.report.duet_json import render_duet_json

        return render_duet_json(record)
    from perf_pipeline.report.duet_terminal import render_duet, render_duet_ending

    if quiet:
        return render_duet_ending(record)
    return render_duet(record, shutil.get_terminal_size((100, 24)).columns, sys.stdout.isatty())
