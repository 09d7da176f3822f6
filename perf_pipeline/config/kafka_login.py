"""Log in to a Kafka listener over SASL as clients do: PLAIN, SCRAM, OAUTHBEARER.

Sources: Kafka's protocol guide (SaslHandshake v1, SaslAuthenticate v0, error codes 33, 34, 58);
RFC 4616 (PLAIN), RFC 5802 and 7677 (SCRAM), RFC 7628 (OAUTHBEARER).
Add here: another mechanism. Keep out: fetching tokens (kafka_token.py), TLS, and other requests.
"""

import hashlib
import hmac
import re
import secrets
import socket
import struct
from base64 import b64decode, b64encode
from collections.abc import Callable, Generator, Mapping
from types import MappingProxyType
from typing import Final

from perf_pipeline.config.allowed import AllowedHosts
from perf_pipeline.config.kafka_token import token_of
from perf_pipeline.config.kafka_wire import asked, text, text_at
from perf_pipeline.errors import TargetUnavailableError
from perf_pipeline.quoting import shown

WHERE_SET: Final = "[targets.NAME.kafka], or in PERF_KAFKA_BROKERS"
_SASL_HANDSHAKE, _SASL_AUTHENTICATE = 17, 36
_UNKNOWN_MECHANISM, _ILLEGAL_STATE = 33, 34
_GS2: Final = "n,,"  # no channel binding, no authorization identity
_MOST_ROUNDS: Final = 1_000_000  # rounds of PBKDF2, half a second; Kafka's own default is 4,096


class _UnreadableError(ValueError):
    """Tell what is wrong with an answer that does not follow the mechanism."""


Said = Generator[bytes, bytes, None]
"""What a client says, one after the other; it is sent what the listener answers to each."""


def mechanisms_of(connection: socket.socket) -> list[str]:
    """Ask which mechanisms a listener accepts; none if it needs no login.

    Raises:
        struct.error: the listener does not speak this protocol.
    """
    answer = asked(connection, _SASL_HANDSHAKE, 1, text("?"))  # a mechanism that nobody has
    code, names = _handshake(answer)
    return names if code == _UNKNOWN_MECHANISM else []


def log_in(
    connection: socket.socket, where: str, settings: Mapping[str, str], allowed: AllowedHosts
) -> None:
    """Log in with the mechanism of the settings.

    Args:
        connection: a connection to a listener, which may use TLS.
        where: host and port of the listener, for messages.
        settings: the settings of librdkafka.
        allowed: hosts that the target allows, which may be asked for a token.

    Raises:
        TargetUnavailableError: the listener does not accept this login; the sentence says what it
            expects.
        TargetNotAllowedError: the token endpoint is neither this machine nor allowed.
        struct.error: the listener does not speak this protocol.
    """
    mechanism = settings["sasl.mechanism"]
    code, names = _handshake(asked(connection, _SASL_HANDSHAKE, 1, text(mechanism)))
    if code == _ILLEGAL_STATE:
        raise TargetUnavailableError(
            f"the listener at {where} asks for no login, but security.protocol is "
            f"{settings['security.protocol']}",
            hint=f"write PLAINTEXT or SSL into {WHERE_SET}, or name a listener with SASL",
        )
    if code:
        raise TargetUnavailableError(
            f"the listener at {where} takes SASL {' or '.join(names)}, and not {mechanism}",
            hint=f"correct sasl.mechanism in {WHERE_SET}",
        )
    said = _SAYS[mechanism](settings, allowed)
    answer, own = b"", next(said)
    try:
        while True:
            answer = _authenticated(connection, own)
            own = said.send(answer)
    except StopIteration:
        return
    except _UnreadableError as error:
        raise TargetUnavailableError(
            f"the listener at {where} takes {mechanism}, and its answer {error}",
            hint="look at its log, or name a listener of Kafka's",
        ) from None
    except (ConnectionError, struct.error, ValueError) as error:
        raise _refused(where, mechanism, answer, error) from None


def _refused(where: str, mechanism: str, answer: bytes, error: Exception) -> TargetUnavailableError:
    if mechanism == "OAUTHBEARER":
        why = str(error) if isinstance(error, ConnectionError) else answer.decode(errors="replace")
        return TargetUnavailableError(
            f"the listener at {where} refuses the token of the token endpoint"
            f"{f' ({why})' if why else ''}",
            hint=f"correct sasl.oauthbearer.scope or the client's rights; see {WHERE_SET}",
        )
    return TargetUnavailableError(
        f"the listener at {where} refuses the given user and password",
        hint=f"correct sasl.username and sasl.password in {WHERE_SET}",
    )


def _handshake(answer: bytes) -> tuple[int, list[str]]:
    code, count = struct.unpack_from(">hi", answer)
    names, at = list[str](), 6
    for _ in range(count):
        name, at = text_at(answer, at)
        names.append(name)
    return code, names


def _authenticated(connection: socket.socket, own: bytes) -> bytes:
    """Send the client's part of the login, and return the listener's answer.

    Raises:
        ConnectionRefusedError: the listener refuses; the text is the listener's own.
    """
    body = struct.pack(">i", len(own)) + own
    answer = asked(connection, _SASL_AUTHENTICATE, 0, body)
    (code,) = struct.unpack_from(">h", answer)
    message, at = text_at(answer, 2)
    if code:
        raise ConnectionRefusedError(message)
    (size,) = struct.unpack_from(">i", answer, at)
    return answer[at + 4 : at + 4 + max(0, size)]


def _say_plain(settings: Mapping[str, str], _: AllowedHosts) -> Said:
    yield f"\0{settings['sasl.username']}\0{settings['sasl.password']}".encode()


def _say_token(settings: Mapping[str, str], allowed: AllowedHosts) -> Said:
    extensions = settings.get("sasl.oauthbearer.extensions", "")
    pairs = "".join(f"\x01{pair}" for pair in extensions.split(",") if pair)
    answer = yield f"{_GS2}\x01auth=Bearer {token_of(settings, allowed)}{pairs}\x01\x01".encode()
    if answer:
        yield b"\x01"  # this answer says why the token is refused; the refusal itself follows


def _say_scram(settings: Mapping[str, str], _: AllowedHosts) -> Said:
    """Log in by RFC 5802, 3, and check that the listener knows the password, too.

    Raises:
        ValueError: the listener does not know it, or its answer has another form.
    """
    nonce = secrets.token_urlsafe(18)
    algorithm = settings["sasl.mechanism"].removeprefix("SCRAM-").replace("-", "").lower()
    password = settings["sasl.password"].encode()
    user = settings["sasl.username"].replace("=", "=3D").replace(",", "=2C")
    first = f"n={user},r={nonce}"
    told = (yield f"{_GS2}{first}".encode()).decode(errors="replace")
    both, salt, rounds = _challenge(told, nonce)
    salted = hashlib.pbkdf2_hmac(algorithm, password, salt, rounds)
    last = f"c={b64encode(_GS2.encode()).decode()},r={both}"
    signed = f"{first},{told},{last}".encode()
    client_key = hmac.digest(salted, b"Client Key", algorithm)
    stored = hashlib.new(algorithm, client_key).digest()
    signature = hmac.digest(stored, signed, algorithm)
    proof = b64encode(bytes(a ^ b for a, b in zip(client_key, signature, strict=True))).decode()
    answer = yield f"{last},p={proof}".encode()
    expected = hmac.digest(hmac.digest(salted, b"Server Key", algorithm), signed, algorithm)
    if answer != b"v=" + b64encode(expected):
        raise ValueError("the listener does not know the password")


def _challenge(told: str, nonce: str) -> tuple[str, bytes, int]:
    """Return both nonces, the salt and the number of rounds (RFC 5802, 5.1 and 7).

    Raises:
        ValueError: the listener refuses (`e`).
    """
    fields = {name: value for name, _, value in (part.partition("=") for part in told.split(","))}
    if "e" in fields:
        raise ValueError(fields["e"])
    if missing := [name for name in "rsi" if name not in fields]:
        raise _UnreadableError(f"has no {' and no '.join(missing)} (RFC 5802)")
    if not fields["r"].startswith(nonce):
        raise _UnreadableError("begins with another nonce than ours (RFC 5802)")
    rounds = fields["i"]
    if not re.fullmatch(r"[1-9][0-9]{0,6}", rounds) or int(rounds) > _MOST_ROUNDS:
        raise _UnreadableError(f"asks for {shown(rounds)} rounds; {_MOST_ROUNDS:,} is the most")
    try:
        return fields["r"], b64decode(fields["s"], validate=True), int(rounds)
    except ValueError:
        raise _UnreadableError("has a salt that is not Base64 (RFC 5802)") from None


_SAYS: Final[Mapping[str, Callable[[Mapping[str, str], AllowedHosts], Said]]] = MappingProxyType(
    {
        "PLAIN": _say_plain,
        "SCRAM-SHA-256": _say_scram,
        "SCRAM-SHA-512": _say_scram,
        "OAUTHBEARER": _say_token,
    }
)
