"""Commands about the embedded stack and the UI: up, down, status, doctor, ui.

Add here: another command about servers on this machine. Keep out: starting them (stack/).
"""

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import click

from perf_pipeline.cli.profiles import overrides_of, profile_options
from perf_pipeline.cli.values import WholeNumber
from perf_pipeline.errors import ExitCode

if TYPE_CHECKING:
    from perf_pipeline.config.profile import Profile
    from perf_pipeline.config.target import Target
    from perf_pipeline.stack.parts import StackOptions
    from perf_pipeline.store.state import State


@click.command()
@profile_options
@click.pass_obj
def up(state: "State", profile: str, overrides: Sequence[str]) -> None:
    """Start the embedded stack and leave it running, so that several runs can use it."""
    from perf_pipeline.loading.stopping import stop_at_once_on_signals
    from perf_pipeline.stack import embedded

    stop_at_once_on_signals()

    stack = embedded.up(state.folder, _stack_options(profile, overrides), say=click.echo)
    _print_stack(stack)


@click.command()
@click.pass_obj
def down(state: "State") -> None:
    """Stop what `up` started, and what runs that were killed have left behind."""
    from perf_pipeline.stack import embedded

    ended = embedded.down(state.folder, say=lambda _: None)
    click.echo(f"ended: {', '.join(ended)}" if ended else "nothing was running")


@click.command()
@click.pass_obj
def status(state: "State") -> None:
    """Show the stack that `up` left running, or which of its parts have died."""
    from perf_pipeline.stack import embedded

    stack = embedded.find_running(state.folder)
    if stack is not None:
        _print_stack(stack)
        return
    found = embedded.look_at(state.folder)
    if not found:
        click.echo("no stack is up; `perf-pipeline up` starts one")
        return
    for condition in found:
        click.echo(f"{'ok ' if condition.ok else '!! '}{condition.part} {condition.sentence}")
    click.echo(f"the stack is incomplete; {embedded.REMEDY}")
    sys.exit(ExitCode.NOT_MEASURED)


@click.command()
@profile_options
@click.pass_obj
def doctor(state: "State", profile: str, overrides: Sequence[str]) -> None:
    """Say where each part would come from, what can be reached, and what is missing.

    The parts are those that the profile's benchmarks need. If the profile names your own system,
    each of its parts is asked whether it answers.
    """
    from perf_pipeline.loading.environment import machine_facts
    from perf_pipeline.loading.given_parts import is_found, stack_options
    from perf_pipeline.loading.space import state_finding
    from perf_pipeline.loading.target_findings import target_findings
    from perf_pipeline.runs.pipeline import chosen
    from perf_pipeline.stack import embedded

    checked, target = _checked(profile, overrides)
    names = chosen(checked, ())
    for name, value in machine_facts().items():
        click.echo(f"   {name}: {value}")
    findings = [state_finding(state.folder), *embedded.machine_findings(state.folder)]
    if is_found(target):
        click.echo(f"   target: {target.masked}; nothing of it is started here")
        findings += target_findings(checked, names, target, state.folder)
    else:
        findings += embedded.doctor(state.folder, stack_options(checked, target, names))
    for finding in findings:
        click.echo(f"{'ok ' if finding.ok else '!! '}{finding.part}: {finding.sentence}")
    if not all(finding.ok for finding in findings):
        sys.exit(ExitCode.NOT_MEASURED)


@click.command()
@click.option(
    "--port",
    type=WholeNumber(1, 65_535),
    metavar="PORT",
    default=3000,
    show_default=True,
    help="Serve the UI on this port of 127.0.0.1.",
)
@click.pass_obj
def ui(state: "State", port: int) -> None:
    """Serve the Dagster UI, with a PostgreSQL of its own, until Ctrl-C."""
    from perf_pipeline.stack.webserver import serve_ui

    sys.exit(serve_ui(state.folder, port, say=click.echo))


def _stack_options(profile: str, overrides: Sequence[str]) -> "StackOptions":
    from perf_pipeline.loading.given_parts import stack_options

    return stack_options(*_checked(profile, overrides))


def _checked(profile: str, overrides: Sequence[str]) -> tuple["Profile", "Target"]:
    from perf_pipeline.config.loading import load_profile
    from perf_pipeline.loading.prepare import find_target

    checked = load_profile(profile, overrides_of(overrides))
    return checked, find_target(checked, os.environ)


def _print_stack(stack: Any) -> None:
    for service in stack.services:
        click.echo(f"{service.name}: {service.kind} {service.version} {service.address}")
    for notice in stack.notices:
        click.echo(f"!! {notice}")


COMMANDS: Final[tuple[click.Command, ...]] = (up, down, status, doctor, ui)
