"""The command line: parse, call one use case, print, exit by its verdict.

Heavy packages are imported inside the commands, so that `--help` answers at once.
Add here: a command, and its line in docs/cli.md. Keep out: anything that Dagster needs too
(runs/, loading/, judging/).
"""

import os
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from perf_pipeline import __version__
from perf_pipeline.cli.baseline import COMMANDS
from perf_pipeline.cli.endings import Commands, end_with_verdict
from perf_pipeline.cli.sql import sql
from perf_pipeline.cli.values import RunId, StateFolder, WholeNumber
from perf_pipeline.errors import ExitCode
from perf_pipeline.secrecy.files import keep_private
from perf_pipeline.secrecy.known import KNOWN
from perf_pipeline.store.state import State

if TYPE_CHECKING:
    from perf_pipeline.stack.parts import StackOptions

STATE_VARIABLE: Final = "PERF_STATE"
EXIT_CODES: Final = """\b
Exit codes: 0 all verdicts pass; 99 a threshold failed; 98 confirmed regression;
97 could not measure; 104 invalid configuration; 105 stopped by the user; 1 a bug."""


@click.group(cls=Commands, epilog=EXIT_CODES, context_settings={"max_content_width": 100})
@click.version_option(__version__, prog_name="perf-pipeline")
@click.option(
    "--state",
    type=StateFolder(),
    envvar=STATE_VARIABLE,
    default=Path(".perf"),
    show_default=True,
    help="Folder of history, spool, reports and the embedded stack.",
)
@click.pass_context
def main(context: click.Context, state: Path) -> None:
    """Say whether a message-scheduling system carries 1,000,000 messages a day."""
    context.obj = State(state)
    KNOWN.add_environment(os.environ)
    try:
        keep_private(state, os.environ)
    except ValueError as error:
        raise click.UsageError(str(error)) from error


for _command in (*COMMANDS, sql):
    main.add_command(_command)


def _profile_options(command: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option(
            "--set",
            "overrides",
            multiple=True,
            metavar="KEY=VALUE",
            help="Change one key, e.g. seeding.users=500. TOML value; can be repeated.",
        ),
        click.option(
            "--profile",
            default="quick",
            show_default=True,
            help="quick, ci, full, weekly, or a .toml file.",
        ),
    ):
        command = option(command)
    return command


@main.command()
@_profile_options
@click.option("--only", multiple=True, metavar="BENCHMARK", help="Run only this; can be repeated.")
@click.option(
    "--confirm",
    type=WholeNumber(0, 2),
    metavar="N",
    default=2,
    show_default=True,
    help="Run a suspect benchmark again, so often at most: the verdict is that of 2 of 3. "
    "0 leaves it suspect.",
)
@click.pass_obj
def run(
    state: State, profile: str, overrides: Sequence[str], only: Sequence[str], confirm: int
) -> None:
    """Load the target, judge it, compare it, report."""
    from perf_pipeline.cli.narrator import TerminalNarrator
    from perf_pipeline.config.loading import load_profile
    from perf_pipeline.loading.stopping import stop_on_signals

    checked = load_profile(profile, _parse_overrides(overrides))
    stop = stop_on_signals()
    with TerminalNarrator() as narrator:
        from perf_pipeline.runs.pipeline import run_pipeline

        report = run_pipeline(
            checked, state=state, narrator=narrator, stop=stop, only=only, confirm=confirm
        )
    _finish(report)


@main.command()
@click.argument("run_id", type=RunId(), required=False)
@click.option("--profile", help="Judge by this profile's thresholds instead of the run's own.")
@click.pass_obj
def judge(state: State, run_id: str | None, profile: str | None) -> None:
    """Judge a stored run again, without a new load.

    By another profile it is a what-if: shown, and not stored.
    """
    from perf_pipeline.config.loading import load_profile
    from perf_pipeline.judging.asked import asked_run
    from perf_pipeline.judging.judge import judge_run
    from perf_pipeline.judging.publish import publish

    checked = None if profile is None else load_profile(profile)
    chosen = asked_run(state, run_id)
    judge_run(state, chosen, profile=checked)
    _finish(publish(state, chosen, profile=checked))


@main.command()
@click.argument("run_id", type=RunId(), required=False)
@click.pass_obj
def report(state: State, run_id: str | None) -> None:
    """Write a stored run's reports again and print the terminal's."""
    from perf_pipeline.judging.asked import asked_run
    from perf_pipeline.judging.publish import publish

    _finish(publish(state, asked_run(state, run_id)))


@main.command()
@click.argument("run_id", type=RunId(), required=False)
@click.pass_obj
def ingest(state: State, run_id: str | None) -> None:
    """Bring spooled samples into the history and judge them; again and again without harm."""
    from perf_pipeline.judging.recovering import recover_runs

    recover_runs(state, run_id, say=click.echo)


@main.command()
@_profile_options
@click.pass_obj
def up(state: State, profile: str, overrides: Sequence[str]) -> None:
    """Start the embedded stack and leave it running for several runs."""
    from perf_pipeline.loading.stopping import stop_at_once_on_signals
    from perf_pipeline.stack import embedded

    stop_at_once_on_signals()

    stack = embedded.up(state.folder, _stack_options(profile, overrides), say=click.echo)
    _print_stack(stack)


@main.command()
@click.pass_obj
def down(state: State) -> None:
    """Stop what `up` started, and whatever dead runs left."""
    from perf_pipeline.stack import embedded

    ended = embedded.down(state.folder, say=lambda _: None)
    click.echo(f"ended: {', '.join(ended)}" if ended else "nothing was running")


@main.command()
@click.pass_obj
def status(state: State) -> None:
    """Show the stack that `up` left running, or which parts of it have died."""
    from perf_pipeline.stack import embedded

    stack = embedded.find_running(state.folder)
    if stack is not None:
        _print_stack(stack)
        return
    found = embedded.look_at(state.folder)
    if not found:
        click.echo("no stack is up; `perf-pipeline up` starts one")
        return
    for one in found:
        click.echo(f"{'ok ' if one.ok else '!! '}{one.part} {one.sentence}")
    click.echo(f"the stack is incomplete; {embedded.REMEDY}")
    sys.exit(ExitCode.NOT_MEASURED)


@main.command()
@_profile_options
@click.pass_obj
def doctor(state: State, profile: str, overrides: Sequence[str]) -> None:
    """Say where every part would come from, what is reachable, and what is missing."""
    from perf_pipeline.loading.environment import machine_facts
    from perf_pipeline.loading.space import state_finding
    from perf_pipeline.stack import embedded

    options = _stack_options(profile, overrides)
    for name, value in machine_facts().items():
        click.echo(f"   {name}: {value}")
    parts = embedded.doctor(state.folder, options)
    findings = [state_finding(state.folder), *embedded.machine_findings(state.folder), *parts]
    for finding in findings:
        click.echo(f"{'ok ' if finding.ok else '!! '}{finding.part}: {finding.sentence}")
    if not all(finding.ok for finding in findings):
        sys.exit(ExitCode.NOT_MEASURED)


@main.command()
@click.option(
    "--port",
    type=WholeNumber(1, 65_535),
    metavar="PORT",
    default=3000,
    show_default=True,
    help="Port of the Dagster UI on 127.0.0.1.",
)
@click.pass_obj
def ui(state: State, port: int) -> None:
    """Serve the Dagster UI with a PostgreSQL of its own, until Ctrl-C."""
    from perf_pipeline.stack.webserver import serve_ui

    sys.exit(serve_ui(state.folder, port, say=click.echo))


def _parse_overrides(pairs: Sequence[str]) -> dict[str, Any]:
    from perf_pipeline.config.loading import parse_overrides

    split = [pair.partition("=") for pair in pairs]
    for key, equals, _ in split:
        if not equals:
            raise click.UsageError(f"--set {key}: write KEY=VALUE")
    return parse_overrides({key: text for key, _, text in split})


def _stack_options(profile: str, overrides: Sequence[str]) -> "StackOptions":
    from perf_pipeline.config.loading import load_profile
    from perf_pipeline.loading.prepare import find_target, stack_options

    checked = load_profile(profile, _parse_overrides(overrides))
    return stack_options(checked, find_target(checked, os.environ))


def _print_stack(stack: Any) -> None:
    for service in stack.services:
        click.echo(f"{service.name}: {service.kind} {service.version} {service.address}")
    for notice in stack.notices:
        click.echo(f"!! {notice}")


def _finish(report: Any) -> None:
    from perf_pipeline.report.terminal import render_terminal

    end_with_verdict(render_terminal(report, _width(), color=sys.stdout.isatty()), report.exit_code)


def _width() -> int:
    return shutil.get_terminal_size((100, 24)).columns
