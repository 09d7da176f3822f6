"""Asks a cluster where its brokers are, before any Kafka client is made.

A client connects to whatever the brokers advertise, and nothing in librdkafka's Python binding can
stop it. So the question goes over a plain socket first, to all bootstrap servers and to all brokers
that they name. Where a listener does not answer, it is also found out here what it wants instead.
Sources: Kafka's protocol guide (ApiVersions v0, Metadata v1 to v8, SaslHandshake v1,
SaslAuthenticate v0, error codes 33 and 34); RFC 8446, 6 (alerts).
Add here: another question that must be asked before a client exists. Keep out: what clients do.
"""

import contextlib
import socket
import ssl
import struct
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from perf_pipeline.config.allowed import AllowedHosts
from perf_pipeline.config.broker_address import read_brokers
from perf_pipeline.config.hosts import Place, addresses_of, bracketed, read_host
from perf_pipeline.config.kafka_client import bootstrap_servers, login_of
from perf_pipeline.config.kafka_release import release_in
from perf_pipeline.config.safety import require_allowed_brokers, require_loopback
from perf_pipeline.errors import AddressError, TargetUnavailableError

PATIENCE_S: Final = 3.0
_METADATA, _SASL_HANDSHAKE, _API_VERSIONS, _SASL_AUTHENTICATE = 3, 17, 18, 36
_LAST_VERSION: Final = 8  # of Metadata before its fields got another coding
_UNKNOWN_MECHANISM: Final = 33
_PLAIN: Final = "PLAIN"
_MOST_BYTES: Final = 1 << 20
_MOST_AT_ONCE: Final = 16


def require_listeners(brokers: str, allowed: Iterable[str], *, must_answer: bool = True) -> None:
    """Refuse brokers that clients must not connect to; takes a few ms where all of them answer.

    Args:
        brokers: bootstrap servers that were checked; where they ask for a password,
            `SASL_PLAINTEXT://user:password@` stands in front of all of them, percent-encoded.
        allowed: hosts that the target allows by name.
        must_answer: a cluster that does not answer is an error, too.

    Raises:
        AddressError: they are no bootstrap servers of this client.
        TargetNotAllowedError: a broker advertises a host that may not be loaded.
        TargetUnavailableError: no broker answers; says what the listener wants, where it shows.
    """
    try:
        bootstrap = read_brokers(brokers, ()).places
    except ValueError as error:
        raise AddressError("PERF_KAFKA_BROKERS", str(error)) from None
    permitted, login = AllowedHosts.read(allowed), login_of(brokers)
    asked, found, new = set[Place](), list[Place](), set(bootstrap)
    with ThreadPoolExecutor(_MOST_AT_ONCE) as pool:
        while new:
            asked |= new
            answers = pool.map(lambda place: _advertised(place, permitted, login), new)
            named = [place for answer in answers for place in answer]
            shown = bootstrap_servers(brokers)
            require_allowed_brokers(
                shown, [(broker.host, broker.port) for broker in named], permitted
            )
            found += named
            new = set(named) - asked
    if not found:
        _tell_silence(brokers, bootstrap, permitted, must_answer=must_answer)


def broker_release(brokers: str, allowed: Iterable[str]) -> str:
    """Say which release the brokers run, or how new their protocol is; empty without an answer.

    Brokers say no version. Those of Apache Kafka 3.3 and newer list the features that they support,
    and the highest `metadata.version` among them is that of their release (KIP-584, KIP-778).

    Raises:
        AddressError: these are no bootstrap servers.
    """
    permitted, login = AllowedHosts.read(allowed), login_of(brokers)
    for place in read_brokers(brokers, ()).places:
        with contextlib.suppress(OSError, struct.error, LookupError, UnicodeError):
            with _connected(place, permitted) as connection:
                if login:
                    _log_in(connection, *login)
                name = b"\x05perf\x021\0"  # the client's name and version, as compact strings
                answer = _asked(connection, _API_VERSIONS, 3, b"\0" + name)
            return release_in(answer)
    return ""


def _tell_silence(
    brokers: str, bootstrap: Iterable[Place], allowed: AllowedHosts, *, must_answer: bool
) -> None:
    for place in bootstrap:
        with contextlib.suppress(OSError):
            if wanted := _wanted(place, allowed):
                where = f"{bracketed(place.host)}:{place.port}"
                if login_of(brokers) and _PLAIN in wanted:
                    raise TargetUnavailableError(
                        f"the listener at {where} refuses the given user and password",
                        hint="correct them in PERF_KAFKA_BROKERS",
                    )
                raise TargetUnavailableError(
                    f"the listener at {where} wants {wanted}, but with configured brokers this "
                    "client speaks no TLS, and SASL (PLAIN) only with a user and a password",
                    hint="name a listener without them (PLAINTEXT) in PERF_KAFKA_BROKERS, or write "
                    "SASL_PLAINTEXT://host:port with user:password@ in front of the host",
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


def _connected(place: Place, allowed: AllowedHosts) -> socket.socket:
    """Connect to a place; where it is localhost, its addresses are looked up once and checked."""
    failure = OSError(f"{place.host} has no address")
    is_local = place.host == "localhost" and not allowed.has(place)
    for address in require_loopback() if is_local else addresses_of(place.host):
        try:
            return socket.create_connection((address, place.port), timeout=PATIENCE_S)
        except OSError as error:
            failure = error
    raise failure


def _advertised(place: Place, allowed: AllowedHosts, login: tuple[str, str] | None) -> list[Place]:
    """Ask a listener for its cluster's brokers; empty where it does not answer in this protocol."""
    try:
        with _connected(place, allowed) as connection:
            if login:
                _log_in(connection, *login)
            versions = _asked(connection, _API_VERSIONS, 0, b"")
            highest = {key: high for key, _, high in struct.iter_unpack(">hhh", versions[6:])}
            version = max(1, min(highest.get(_METADATA, 1), _LAST_VERSION))
            # No topics; from v4 on "do not create any", from v8 on "no lists of rights".
            body = struct.pack(">i", 0) + b"\0" * (version >= 4) + b"\0\0" * (version >= 8)
            answer = _asked(connection, _METADATA, version, body)
        return _brokers_in(answer, 4 if version >= 3 else 0)
    except (OSError, struct.error, UnicodeError):
        return []


def _log_in(connection: socket.socket, user: str, password: str) -> None:
    """Prove who we are by SASL PLAIN (RFC 4616).

    Raises:
        ConnectionRefusedError: the listener does not take PLAIN, or not this password.
    """
    token = b"\0%b\0%b" % (user.encode(), password.encode())
    mechanism = struct.pack(f">h{len(_PLAIN)}s", len(_PLAIN), _PLAIN.encode())
    bodies = (
        (_SASL_HANDSHAKE, 1, mechanism),
        (_SASL_AUTHENTICATE, 0, struct.pack(">i", len(token)) + token),
    )
    for key, version, body in bodies:
        (code,) = struct.unpack_from(">h", _asked(connection, key, version, body))
        if code:
            raise ConnectionRefusedError


def _brokers_in(answer: bytes, at: int) -> list[Place]:
    (count,) = struct.unpack_from(">i", answer, at)
    found, at = list[Place](), at + 4
    for _ in range(count):
        host, after = _text(answer, at + 4)
        (port,) = struct.unpack_from(">i", answer, after)
        _, at = _text(answer, after + 4)  # the rack
        found.append(Place(_spelled(host), port))
    return found


def _spelled(host: str) -> str:
    try:
        return read_host(host)
    except ValueError:
        return host  # it is refused as soon as it is written


def _text(data: bytes, at: int) -> tuple[str, int]:
    (size,) = struct.unpack_from(">h", data, at)
    end = at + 2 + max(0, size)
    return data[at + 2 : end].decode(), end


def _wanted(place: Place, allowed: AllowedHosts) -> str:
    """Say what a listener wants: "TLS", "SASL (PLAIN)", or nothing known."""
    with _connected(place, allowed) as connection:
        if _speaks_tls(connection):
            return "TLS"
    with _connected(place, allowed) as connection:
        try:
            name = struct.pack(">h1s", 1, b"?")  # a mechanism that nobody has
            answer = _asked(connection, _SASL_HANDSHAKE, 1, name)
            code, count = struct.unpack_from(">hi", answer)
            if code != _UNKNOWN_MECHANISM:
                return ""
            names, at = list[str](), 6
            for _ in range(count):
                mechanism, at = _text(answer, at)
                names.append(mechanism)
        except (struct.error, UnicodeError):
            return ""
    return f"SASL ({', '.join(names)})"


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


def _asked(connection: socket.socket, key: int, version: int, body: bytes) -> bytes:
    """Send a request and return its response, without its size and correlation id."""
    request = struct.pack(">hhih", key, version, 1, -1) + body
    connection.sendall(struct.pack(">i", len(request)) + request)
    with connection.makefile("rb") as stream:
        (size,) = struct.unpack(">i", stream.read(4))
        if not 4 <= size <= _MOST_BYTES:
            raise struct.error("no response of Kafka's protocol has this size")
        return stream.read(size)[4:]
