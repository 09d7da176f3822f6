"""Put a proxy between the parts of a system, and control what it does to their connections.

Add here: another request to the proxy. Keep out: how it passes bytes on (link_proxy.py) and when
requests are made (loading/).
"""

import json
import secrets
import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from perf_pipeline.errors import StackError
from perf_pipeline.stack.link_certificate import new_certificate
from perf_pipeline.stack.link_proxy import KNOWN_BY, Route
from perf_pipeline.stack.link_routes import Links, different_ports
from perf_pipeline.stack.link_rule import LinkRule
from perf_pipeline.stack.link_tls import TLS_BY, LinkTls
from perf_pipeline.stack.service import (
    BEHIND_THE_LOAD,
    LOOPBACK,
    Command,
    is_listening,
    spawn,
)

_READY_S: Final = 30.0
_ANSWERED_WITHIN_S: Final = 10.0


def start_links(
    folder: Path,
    links: Links,
    ports: Mapping[str, int],
    tls: Mapping[str, str] | None = None,
) -> Links:
    """Start the proxy of a stack, and return its links when they can be used.

    Args:
        folder: the folder of the stack.
        links: with the ports that were chosen for them.
        ports: the ports of the servers that chose theirs themselves.
        tls: settings of librdkafka by which the load speaks TLS with brokers; None where it does
            not.

    Raises:
        StackError: the proxy does not start.
    """
    routes = tuple(
        replace(link, upstream=link.upstream or ports[link.server]) for link in links.links
    )
    planned = (port for link in routes for port in (link.port, link.upstream))
    control, token = next(different_ports(planned)), secrets.token_urlsafe(24)
    pair = ("", "") if tls is None else new_certificate()
    secret = {} if tls is None else {TLS_BY: LinkTls.of(pair, tls).written()}
    served = (
        Route(
            it.name, it.port, it.upstream, it.host, tells=it.tells, spreads=it.server == "api"
        ).written()
        for it in routes
    )
    command = Command(
        name="links",
        argv=(sys.executable, "-P", "-m", "perf_pipeline.stack.link_proxy", str(control), *served),
        environment={KNOWN_BY: token, **secret},
        secrets=(token, *secret.values()),
        nice=BEHIND_THE_LOAD,
    )
    spawn(folder, command).await_ready(lambda: is_listening(control), _READY_S)
    return Links(routes, control, token, pair[0])


class HeldLinks:
    """Hold a rule on links of a stack; it ends with its connection, and so with this process.

    Args:
        links: the links of the stack.
        names: the names of those that it holds for.
        rule: what is done to their connections.

    Raises:
        StackError: the proxy does not take it.
    """

    def __init__(self, links: Links, names: Sequence[str], rule: LinkRule) -> None:
        asked = {"links": list(names), "rule": asdict(rule)}
        self._connection, answer = _answered(links, asked)
        if answer != b"done\n":
            self._connection.close()
            raise StackError(f"the proxy between the parts refuses a rule for {', '.join(names)}")

    def release(self) -> None:
        """Let the connections be as they were."""
        self._connection.close()


@dataclass(frozen=True, slots=True)
class ProxyState:
    """Hold what a proxy says of itself; only one that works says something.

    Attributes:
        cpu_s: seconds of CPU that it has taken.
        unknown: what brokers named that it does not stand before; empty where all goes through it.
        strangers: connections to brokers through it that were never a client of theirs.
    """

    cpu_s: float
    unknown: str = ""
    strangers: int = 0


def proxy_state(links: Links) -> ProxyState:
    """Ask the proxy of a stack how it is.

    Raises:
        StackError: it does not answer.
    """
    connection, answer = _answered(links, {})
    connection.close()
    try:
        state = json.loads(answer)
        return ProxyState(float(state["cpu_s"]), "".join(state["unknown"]), int(state["strangers"]))
    except (ValueError, TypeError, LookupError) as error:
        raise StackError(f"the proxy between the parts answers {answer!r}") from error


def _answered(links: Links, asked: Mapping[str, Any]) -> tuple[socket.socket, bytes]:
    """Ask the proxy for something, and return the connection with what was answered.

    Raises:
        StackError: it does not answer.
    """
    line = json.dumps({"token": links.token, **asked}).encode() + b"\n"
    with ExitStack() as leaving:
        try:
            connection = leaving.enter_context(
                socket.create_connection((LOOPBACK, links.control), timeout=_ANSWERED_WITHIN_S)
            )
            connection.sendall(line)
            answer = connection.recv(4_096)
        except OSError as error:
            raise StackError(f"the proxy between the parts does not answer: {error}") from error
        leaving.pop_all()
    return connection, answer
