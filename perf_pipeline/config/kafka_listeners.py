"""Asks a cluster where its brokers are, before any Kafka client is made.

A client connects to whatever the brokers advertise, and nothing in librdkafka's Python binding can
stop it. So we ask first over a socket of our own, with the same TLS and login: all bootstrap
servers, and all brokers that they name. If a listener does not answer, this also finds out what it
expects instead.
Add here: another question that must be asked before a client exists. Keep out: what clients do.
"""

import contextlib
import socket
import ssl
import struct
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from perf_pipeline.config.allowed import AllowedHosts
from perf_pipeline.config.broker_address import read_brokers
from perf_pipeline.config.hosts import Place, addresses_of, bracketed, read_host
from perf_pipeline.config.kafka_client import bootstrap_servers, client_properties
from perf_pipeline.config.kafka_login import WHERE_SET, log_in, mechanisms_of
from perf_pipeline.config.kafka_release import release_in
from perf_pipeline.config.kafka_tls import is_tls, opened, refusal
from perf_pipeline.config.kafka_wire import advertised, listed_features
from perf_pipeline.config.safety import require_allowed_brokers, require_loopback
from perf_pipeline.errors import AddressError, TargetUnavailableError

PATIENCE_S: Final = 3.0
_MOST_AT_ONCE: Final = 16


@dataclass(frozen=True, slots=True)
class BrokerAccess:
    """Hold what is needed to reach the listeners.

    Attributes:
        allowed: hosts that may be loaded.
        settings: the settings with which clients log in.
    """

    allowed: AllowedHosts
    settings: Mapping[str, str]

    @property
    def protocol(self) -> str:
        """Return the protocol that the listeners speak."""
        return self.settings.get("security.protocol", "PLAINTEXT")

    @property
    def logs_in(self) -> bool:
        """Say whether a login is needed."""
        return self.protocol.startswith("SASL")

    @contextlib.contextmanager
    def connected(self, place: Place) -> Iterator[socket.socket]:
        """Connect, with TLS if configured; the certificate must be for the host as written."""
        with _connected(place, self.allowed) as plain:
            if is_tls(self.settings):
                with opened(plain, place.host, _shown(place), self.settings) as secured:
                    yield secured
            else:
                yield plain

    @contextlib.contextmanager
    def entered(self, place: Place) -> Iterator[socket.socket]:
        """Connect, and log in if a login is configured."""
        with self.connected(place) as connection:
            if self.logs_in:
                log_in(connection, _shown(place), self.settings, self.allowed)
            yield connection


def require_listeners(
    brokers: str, allowed: Iterable[str], *, must_answer: bool = True
) -> tuple[Place, ...]:
    """Refuse brokers that clients must not connect to; takes a few ms where all of them answer.

    Args:
        brokers: checked bootstrap servers, with the login (kafka_client.py).
        allowed: hosts that the target allows by name.
        must_answer: whether a cluster that does not answer is an error, too.

    Returns:
        The listeners that the brokers advertise; empty if no broker answers.

    Raises:
        AddressError: this client does not take the text as bootstrap servers, or one of our
            certificates can't be read.
        TargetNotAllowedError: a broker advertises a host that may not be loaded.
        TargetUnavailableError: no broker answers, or one refuses TLS or the login; the sentence
            says what the listener expects, if that is known.
    """
    try:
        bootstrap = read_brokers(brokers, ()).places
    except ValueError as error:
        raise AddressError("PERF_KAFKA_BROKERS", str(error)) from None
    access = BrokerAccess(AllowedHosts.read(allowed), client_properties(brokers))
    asked, found, new = set[Place](), list[Place](), set(bootstrap)
    faults: dict[Place, TargetUnavailableError] = {}
    with ThreadPoolExecutor(_MOST_AT_ONCE) as pool:
        while new:
            asked |= new
            answers = list(pool.map(lambda place: (place, _advertised(place, access)), new))
            faults |= {
                at: answer for at, answer in answers if isinstance(answer, TargetUnavailableError)
            }
            named = [place for _, answer in answers if isinstance(answer, list) for place in answer]
            shown = bootstrap_servers(brokers)
            require_allowed_brokers(
                shown, [(broker.host, broker.port) for broker in named], access.allowed
            )
            found += named
            new = set(named) - asked
    # A client can do without one of its bootstrap servers, but not without a broker.
    for place, fault in faults.items():
        if not found or place in found:
            raise fault
    if not found:
        _tell_silence(brokers, bootstrap, access, must_answer=must_answer)
    return tuple(dict.fromkeys(found))


def broker_release(brokers: str, allowed: Iterable[str]) -> str:
    """Say which release the brokers run, or how new their protocol is; empty if none answers.

    Brokers do not tell their version. From Apache Kafka 3.3 on they list the features that they
    support, and the highest `metadata.version` among them is that of their release (KIP-584,
    KIP-778).

    Raises:
        AddressError: the text does not name bootstrap servers.
    """
    access = BrokerAccess(AllowedHosts.read(allowed), client_properties(brokers))
    silence = (OSError, struct.error, LookupError, UnicodeError, TargetUnavailableError)
    for place in read_brokers(brokers, ()).places:
        with contextlib.suppress(*silence):
            with access.entered(place) as connection:
                answer = listed_features(connection)
            return release_in(answer)
    return ""


def _tell_silence(
    brokers: str, bootstrap: Iterable[Place], access: BrokerAccess, *, must_answer: bool
) -> None:
    for place in bootstrap:
        with contextlib.suppress(OSError):
            if wanted := _wanted(place, access):
                raise TargetUnavailableError(
                    f"the listener at {_shown(place)} wants {wanted}, but security.protocol is "
                    f"{access.protocol}",
                    hint=f"correct security.protocol in {WHERE_SET}, or name another listener",
                )
    if must_answer:
        where = bootstrap_servers(brokers)
        raise TargetUnavailableError(
            f"no broker at {where} answered a metadata request within {PATIENCE_S:g} s",
            hint=(
                "start the broker, correct PERF_KAFKA_BROKERS, or unset it to use the embedded "
                "broker"
            ),
        )


def _shown(place: Place) -> str:
    return f"{bracketed(place.host)}:{place.port}"


def _connected(place: Place, allowed: AllowedHosts) -> socket.socket:
    """Connect to a place; the addresses of localhost are looked up once and checked."""
    failure = OSError(f"{place.host} has no address")
    is_local = place.host == "localhost" and not allowed.has(place)
    for address in require_loopback() if is_local else addresses_of(place.host):
        try:
            return socket.create_connection((address, place.port), timeout=PATIENCE_S)
        except OSError as error:
            failure = error
    raise failure


def _advertised(place: Place, access: BrokerAccess) -> list[Place] | TargetUnavailableError:
    """Ask a listener for its cluster's brokers; empty if it does not answer in this protocol."""
    try:
        with access.entered(place) as connection:
            return [Place(_spelled(host), port) for host, port in advertised(connection)]
    except TargetUnavailableError as fault:
        return fault
    except ssl.SSLError as error:  # an alert of TLS 1.3 comes with the first answer
        return refusal(error, _shown(place), access.settings)
    except (OSError, struct.error, UnicodeError):
        return []


def _spelled(host: str) -> str:
    try:
        return read_host(host)
    except ValueError:
        return host  # the request is refused as soon as it is written


def _wanted(place: Place, access: BrokerAccess) -> str:
    """Say what a listener expects and does not get: "TLS", "SASL (PLAIN)", or empty if unknown."""
    if not is_tls(access.settings):
        with _connected(place, access.allowed) as connection:
            if _speaks_tls(connection):
                return "TLS"
    if access.logs_in:
        return ""
    with access.connected(place) as connection:
        try:
            names = mechanisms_of(connection)
        except (struct.error, UnicodeError):
            return ""
    return f"SASL ({', '.join(names)})" if names else ""


def _speaks_tls(connection: socket.socket) -> bool:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        context.wrap_socket(connection).close()
    except ssl.SSLError as error:
        # A TLS listener answers with an alert; one without TLS hangs up, or answers in plain text.
        return "ALERT" in (error.reason or "")
    except OSError:
        return False
    return True
