"""The command that sends the figures of stored runs elsewhere.

Add here: another choice of runs. Keep out: figures of a run in progress (run.py).
"""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from perf_pipeline.cli.profiles import out_option, receivers_of
from perf_pipeline.cli.values import RunId

if TYPE_CHECKING:
    from perf_pipeline.store.state import State


@click.command()
@click.argument("run_ids", type=RunId(), nargs=-1, metavar="[RUN_ID]...")
@out_option()
@click.pass_obj
def send(state: "State", run_ids: Sequence[str], outs: Sequence[tuple[str, str]]) -> None:
    """Send the figures of stored runs, each at the time when it began, for plots over many runs.

    RUN_ID may be shortened, or `latest`; without any, all runs are sent. Without --out, they go
    where PERF_OUT says.
    """
    from perf_pipeline.errors import ExitCode
    from perf_pipeline.judging.asked import asked_run, require_runs
    from perf_pipeline.runs.sending import send_runs

    out = receivers_of(outs, os.environ)
    require_runs(state)
    chosen = [asked_run(state, run_id) for run_id in run_ids]
    if not send_runs(state, chosen, out, say=click.echo):
        raise click.exceptions.Exit(ExitCode.NOT_MEASURED)
