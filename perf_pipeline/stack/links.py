"""Put a proxy between the parts of a system, and tell it what to do to their connections.

Add here: another thing that is asked of the proxy. Keep out: how it passes bytes on (link_proxy.py)
and when something is asked (loading/).
"""

import json
import secrets
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final

from perf_pipeline.errors import StackError
from perf_pipeline.stack.link_proxy import KNOWN_BY
from perf_pipeline.stack.link_routes import Links
from perf_pipeline.stack.link_rule import LinkRule
from perf_pipeline.stack.service import (
    BEHIND_THE_LOAD,
    LOOPBACK,
    Command,
    free_port,
    is_listening,
    spawn,
)

_READY_S: Final = 30.0
_ANSWERED_WITHIN_S: Final = 10.0


def start_links(folder: Path, links: Links, ports: Mapping[str, int]) -> Links:
    """Start the proxy of a stack, and return its links when they can be used.

    Args:
        folder: of the stack.
        links: with the ports that were chosen for them.
        ports: of the servers that chose theirs themselves.

    Raises:
        StackError: the proxy does not start.
    """
    routes = tuple(
        replace(link, upstream=link.upstream or ports[link.server]) for link in links.links
    )
    control, token = free_port(), secrets.token_urlsafe(24)
    command = Command(
        name="links",
        argv=(
            sys.executable,
            "-P",
            "-m",
            "perf_pipeline.stack.link_proxy",
            str(control),
            *(f"{link.name}:{link.port}:{link.upstream}" for link in routes),
        ),
        environment={KNOWN_BY: token},
        secrets=(token,),
        nice=BEHIND_THE_LOAD,
    )
    spawn(folder, command).await_ready(lambda: is_listening(control), _READY_S)
    return Links(routes, control, token)


class HeldLinks:
    """Hold a rule on links of a stack; it ends with its connection, and so with this process.

    Args:
        links: of the stack.
        names: of those that it holds for.
        rule: what is done to their connections.

    Raises:
        StackError: the proxy does not take it.
    """

    def __init__(self, links: Links, names: Sequence[str], rule: LinkRule) -> None:
        asked = {"token": links.token, "links": list(names), "rule": asdict(rule)}
        try:
            self._connection = socket.create_connection(
                (LOOPBACK, links.control), timeout=_ANSWERED_WITHIN_S
            )
            self._connection.sendall(json.dumps(asked).encode() + b"\n")
            answer = self._connection.recv(16)
        except OSError as error:
            raise StackError(f"the proxy between the parts does not answer: {error}") from error
        if answer != b"done\n":
            self._connection.close()
            raise StackError(f"the proxy between the parts refuses a rule for {', '.join(names)}")

    def release(self) -> None:
        """Let the connections be as they were."""
        self._connection.close()
