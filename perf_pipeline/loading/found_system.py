"""Prepare a system that somebody else started: it is loaded as it is, or through our proxy.

Add here: something else that a run sets up in front of a system that it does not start. Keep out:
parts that a run starts (prepare.py), and which faults need a proxy (config/faults.py).
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from perf_pipeline.config.hosts import Place
from perf_pipeline.config.kafka_client import client_properties
from perf_pipeline.config.kafka_listeners import require_listeners
from perf_pipeline.config.kafka_tls import is_tls
from perf_pipeline.config.target import Target
from perf_pipeline.errors import TargetUnavailableError
from perf_pipeline.loading.given_parts import is_here, places_before
from perf_pipeline.narration import Say
from perf_pipeline.stack.parts import Stack, StackOptions
from perf_pipeline.stack.proxy_before import proxy_before
from perf_pipeline.stack.service import is_listening
from perf_pipeline.stack.told_ports import spelled
from perf_pipeline.store.state import State

_OTHER_LOOPBACK: Final = "::1"


@contextmanager
def found_system(
    target: Target, options: StackOptions, state: State, say: Say
) -> Iterator[tuple[Target, Stack | None]]:
    """Yield a target that somebody has started, and a proxy in front of it if one is needed.

    Args:
        target: the target with the given addresses.
        options: the options of the stack that would be started, with the connections that faults
            hinder.
        state: the state of this machine.
        say: is told what is started.

    Raises:
        TargetUnavailableError: a broker may not be loaded, or a proxy does not reach a server.
        StackError: the proxy does not start.
    """
    brokers = tuple[Place, ...]()
    hindered = {server for client, server in options.links if client == "load"}
    if target.brokers is not None:
        # The benchmarks that need them check whether they answer.
        brokers = require_listeners(
            target.brokers, target.allowed, must_answer="broker" in hindered
        )
    places: dict[str, tuple[Place, ...]] = {
        part: (place,) for part, place in places_before(target).items() if part in hindered
    }
    if "broker" in places:
        found = {(spelled(place.host), place.port): place for place in reversed(brokers)}
        places["broker"] = tuple(reversed(found.values()))
    if not places:
        yield target, None
        return
    _require_reached(place for several in places.values() for place in several)
    properties = {} if target.brokers is None else client_properties(target.brokers)
    tls = properties if "broker" in places and is_tls(properties) else None
    with proxy_before(state.folder, places, say, tls) as stack:
        for notice in stack.notices:
            say(notice)
        yield target, stack


def _require_reached(places: Iterable[Place]) -> None:
    """Refuse servers of localhost that the proxy does not reach.

    Raises:
        TargetUnavailableError: names one.
    """
    for port in (place.port for place in places if is_here(place)):
        if port and not is_listening(port) and is_listening(port, _OTHER_LOOPBACK):
            raise TargetUnavailableError(
                f"port {port} of localhost answers at {_OTHER_LOOPBACK} alone, and the proxy that "
                "faults need goes to 127.0.0.1",
                hint="let the target listen at 127.0.0.1 as well",
            )
