"""Commands about Dagster's records of runs.

Add here: another command of that kind. Keep out: the UI (stack.py), and telling (telling_dagster).
"""

from typing import TYPE_CHECKING

import click

from perf_pipeline.cli.telling_dagster import sync as bring_in

if TYPE_CHECKING:
    from perf_pipeline.store.state import State


@click.group()
def dagster() -> None:
    """Show runs of the command line in Dagster's UI."""


@dagster.command()
@click.pass_obj
def sync(state: "State") -> None:
    """Bring stored runs into Dagster that are not there yet.

    Each run becomes materialisations and asset checks at the time it began. The instance is the one
    of DAGSTER_HOME, else that of the UI that serves this state folder. Runs that are there already
    are left as they are.
    """
    bring_in(state)
