"""End a command that judges: print its report, and exit by its verdict.

Add here: another output format. Keep out: the report itself (report/).
"""

import shutil
import sys
from collections.abc import Callable
from typing import Any

import click

from perf_pipeline.cli.endings import end_with_verdict


def form_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options `--quiet` and `--json` to a command."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print summary.json, not tables."),
        click.option("--quiet", "-q", is_flag=True, help="Print only how the run ended."),
    ):
        command = option(command)
    return command


def finish(report: Any, *, quiet: bool = False, as_json: bool = False) -> None:
    """Print the report of a run and exit by its verdict."""
    end_with_verdict(shown(report, quiet=quiet, as_json=as_json), report.exit_code)


def shown(report: Any, *, quiet: bool = False, as_json: bool = False) -> str:
    """Return the report in the requested form; JSON if both were requested."""
    if as_json:
        from perf_pipeline.report.k6 import render_k6

        return render_k6(report)
    from perf_pipeline.report.terminal import render_ending, render_terminal

    render = render_ending if quiet else render_terminal
    return render(report, _width(), color=sys.stdout.isatty())


def _width() -> int:
    return shutil.get_terminal_size((100, 24)).columns
