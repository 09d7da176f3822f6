"""Serve the pages of a history on this machine until somebody ends it.

Add here: another option for serving them. Keep out: what is served (server.py).
"""

import secrets
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from perf_pipeline.browsing.door import Door
from perf_pipeline.browsing.server import BrowsingServer
from perf_pipeline.browsing.shown_history import ShownHistory, shown_place, shown_state
from perf_pipeline.following.serving import LOOPBACK, PageServer, listener, quiet_config
from perf_pipeline.store.state import State

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Served:
    """Say what is served, and to whom.

    Attributes:
        url: a team's place; empty for the history of a state folder.
        port: the port on 127.0.0.1; 0 for any that is free.
        token: that readers must have; made up when empty.
        behind: address of a reverse proxy; empty without one.
    """

    url: str = ""
    port: int = 0
    token: str = ""
    behind: str = ""


def serve(state: State, served: Served, *, on_ready: Callable[[str], None]) -> None:
    """Serve the pages until SIGINT or SIGTERM; to be called in the main thread.

    Args:
        state: folder of the history, when no place is named.
        served: what, and to whom.
        on_ready: is called with the address when pages are served; it opens the door where the
            token was made up.

    Raises:
        RequestError: the port is taken, or there is no run, or no such place.
        PerfPipelineError: the history or the place cannot be read.
    """
    with _shown(state, served.url) as shown, listener(served.port) as socket:
        shown.renew()
        port: int = socket.getsockname()[1]
        door = Door(served.token or secrets.token_urlsafe(18), port, served.behind)
        address = f"{served.behind.rstrip('/') or f'http://{LOOPBACK}:{port}'}/"
        opening = address if served.token else f"{address}enter/{door.token}"
        where = served.url or str(state.folder.resolve())
        app = BrowsingServer(shown, door, where).app()
        server = PageServer(quiet_config(app), lambda: on_ready(opening))
        server.run(sockets=[socket])


@contextmanager
def _shown(state: State, url: str) -> "Iterator[ShownHistory]":
    with TemporaryDirectory(prefix="perf-pipeline-serve-") as folder:
        yield shown_place(url, Path(folder)) if url else shown_state(state, Path(folder))
