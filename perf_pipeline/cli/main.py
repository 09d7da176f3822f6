"""The command line as a whole: the options of every command, and the list of commands.

A command parses, calls one use case, prints, and exits by its verdict. Heavy packages are imported
inside the commands, so that `--help` answers at once.
Add here: an option of all commands. Keep out: the commands, which are in modules by kind.
"""

import os
from pathlib import Path
from types import MappingProxyType
from typing import Final

import click

from perf_pipeline import __version__
from perf_pipeline.cli import baseline, history, share, stack
from perf_pipeline.cli.capacity import capacity
from perf_pipeline.cli.check import check
from perf_pipeline.cli.ci import ci
from perf_pipeline.cli.dagster import dagster
from perf_pipeline.cli.duet import duet
from perf_pipeline.cli.endings import Commands
from perf_pipeline.cli.imports import import_command
from perf_pipeline.cli.init import init
from perf_pipeline.cli.prune import prune
from perf_pipeline.cli.run import run
from perf_pipeline.cli.scaling import scaling
from perf_pipeline.cli.send import send
from perf_pipeline.cli.serve import serve
from perf_pipeline.cli.sql import sql
from perf_pipeline.cli.values import StateFolder
from perf_pipeline.cli.watch import watch
from perf_pipeline.secrecy.files import keep_private
from perf_pipeline.secrecy.known import KNOWN
from perf_pipeline.store.state import State

STATE_VARIABLE: Final = "PERF_STATE"
EXIT_CODES: Final = """\b
Exit codes: 0 all verdicts pass; 99 a threshold failed; 98 confirmed regression;
97 could not measure; 104 invalid configuration; 105 stopped by the user; 1 a bug."""


_SETTINGS: Final = MappingProxyType(
    {"max_content_width": 100, "help_option_names": ["-h", "--help"]}
)


@click.group(cls=Commands, epilog=EXIT_CODES, context_settings=_SETTINGS)
@click.version_option(__version__, prog_name="perf-pipeline")
@click.option(
    "--state",
    type=StateFolder(),
    envvar=STATE_VARIABLE,
    default=Path(".perf"),
    show_default=True,
    help="Folder for the history, the spool, the reports and the embedded stack.",
)
@click.pass_context
def main(context: click.Context, state: Path) -> None:
    """Load-test an API, a database or topics, and judge the figures by thresholds and history."""
    context.obj = State(state)
    KNOWN.add_environment(os.environ)
    try:
        keep_private(state, os.environ)
    except ValueError as error:
        raise click.UsageError(str(error)) from error


_ALONE: Final = (
    *(init, check, run, duet, capacity, scaling, watch, import_command, prune),
    *(send, serve, sql, ci, dagster),
)
for _command in (*_ALONE, *history.COMMANDS, *baseline.COMMANDS, *share.COMMANDS, *stack.COMMANDS):
    main.add_command(_command)
