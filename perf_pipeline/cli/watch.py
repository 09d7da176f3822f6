"""The command that shows the run in progress in a browser.

Add here: an option of the page. Keep out: the page (following/).
"""

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import click

from perf_pipeline.cli.values import WholeNumber

if TYPE_CHECKING:
    from perf_pipeline.store.state import State

_LAST_PORT: Final = 65_535
# A follower yields to the run, and importing alone takes a second.
_NICENESS: Final = 19


@click.command()
@click.option(
    "--port",
    type=WholeNumber(0, _LAST_PORT),
    metavar="PORT",
    default=0,
    help="Listen on this port of 127.0.0.1; any free port by default.",
)
@click.option("--open", "opens", is_flag=True, help="Open the page in the browser.")
@click.option("--for-pid", type=int, default=0, hidden=True, help="End with this process.")
@click.pass_obj
def watch(state: "State", *, port: int, opens: bool, for_pid: int) -> None:
    """Show the run under way as a page on 127.0.0.1, whoever started it, until Ctrl-C.

    The page has the report's plots, where each threshold stands, and a button that stops the run.
    Without a run it waits for the next one of this state folder.
    """
    from perf_pipeline.cli.browser import open_address
    from perf_pipeline.following.serving import serve

    def ready(address: str) -> None:
        with suppress(OSError):
            os.nice(_NICENESS)
        click.echo(address)
        sys.stdout.flush()
        if opens and not open_address(address):
            click.echo("no browser was opened, as there is no display", err=True)

    serve(
        state,
        port,
        on_ready=ready,
        until_over=lambda: bool(for_pid) and os.getppid() != for_pid,
    )
