"""The command that shows a history, or a team's place, in a browser.

Add here: an option of these pages. Keep out: the pages (browsing/).
"""

import os
import sys
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import click

from perf_pipeline.cli.values import WholeNumber

if TYPE_CHECKING:
    from perf_pipeline.store.state import State

TOKEN_VARIABLE: Final = "PERF_SERVE_TOKEN"  # noqa: S105 - the name of a variable
_SHORTEST: Final = 16
_LAST_PORT: Final = 65_535


@click.command()
@click.argument("url", required=False)
@click.option(
    "--port",
    type=WholeNumber(0, _LAST_PORT),
    metavar="PORT",
    default=0,
    help="Listen on this port of 127.0.0.1; any free port by default.",
)
@click.option(
    "--behind",
    metavar="URL",
    default="",
    help="The address of the reverse proxy by which readers come; it needs PERF_SERVE_TOKEN.",
)
@click.option("--open", "opens", is_flag=True, help="Open the page in the browser.")
@click.pass_obj
def serve(state: "State", url: str | None, port: int, behind: str, *, opens: bool) -> None:
    """Show stored runs as pages on 127.0.0.1 until Ctrl-C: the list, reports, comparisons of two.

    URL is a team's place, as `pull` takes it; without it, the history of the state folder is shown.
    Nothing can be changed there. Readers need the token of PERF_SERVE_TOKEN; without that variable
    the printed address holds one that is made up.
    """
    from perf_pipeline.browsing.serving import Served
    from perf_pipeline.browsing.serving import serve as serve_pages
    from perf_pipeline.cli.browser import open_address
    from perf_pipeline.secrecy.known import KNOWN

    token = os.environ.get(TOKEN_VARIABLE, "")
    KNOWN.add(token or None)
    _require(token, behind)

    def ready(address: str) -> None:
        click.echo(address)
        sys.stdout.flush()
        if opens and not open_address(address):
            click.echo("no browser was opened, as there is no display", err=True)

    serve_pages(state, Served(url or "", port, token, behind), on_ready=ready)


def _require(token: str, behind: str) -> None:
    if token and (len(token) < _SHORTEST or not token.isascii() or not token.isprintable()):
        raise click.UsageError(
            f"{TOKEN_VARIABLE} must be at least {_SHORTEST} letters and digits that nobody guesses"
        )
    if not behind:
        return
    if not token:
        raise click.UsageError(f"--behind needs a token that readers know; set {TOKEN_VARIABLE}")
    address = urlsplit(behind)
    if address.scheme not in {"http", "https"} or not address.netloc or "@" in address.netloc:
        raise click.UsageError("--behind is no address such as https://speed.example.org/runs")
