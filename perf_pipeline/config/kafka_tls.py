"""TLS to a Kafka listener, with the same settings as clients use, and sentences on why it fails.

Sources: OpenSSL's X509_verify_cert_error_string (codes), RFC 8446, 6 (alerts).
Add here: another property of TLS that decides whether a connection comes about. Keep out: what is
sent over the connection.
"""

import os
import socket
import ssl
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

from perf_pipeline.errors import AddressError, TargetUnavailableError

_SETTINGS: Final = ("ssl.", "enable.ssl.")
UNREAD: Final = frozenset(
    {
        "ssl.cipher.suites",
        "ssl.crl.location",
        "ssl.curves.list",
        "ssl.providers",
        "ssl.sigalgs.list",
    }
)
"""Properties of TLS that librdkafka goes by, and that nothing here does."""
_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
_WHY: Final[Mapping[int, tuple[str, str]]] = MappingProxyType(
    {
        9: ("is not valid yet", "compare the clocks of both machines"),
        10: ("has expired", "renew it on the broker"),
        **dict.fromkeys(
            (18, 19, 20, 21),
            (
                "is signed by an authority that is not trusted here",
                "name its authority's certificate in ssl.ca.location",
            ),
        ),
        **dict.fromkeys(
            (62, 64),
            (
                "is for another host",
                "correct the host in brokers, or the broker's advertised.listeners or certificate",
            ),
        ),
    }
)


def is_tls(settings: Mapping[str, str]) -> bool:
    """Say whether settings of librdkafka ask for TLS."""
    return settings.get("security.protocol", "").endswith("SSL")


def of_tls(settings: Mapping[str, str]) -> dict[str, str]:
    """Return the settings of librdkafka that concern TLS."""
    return {key: value for key, value in settings.items() if key.startswith(_SETTINGS)}


def tls_of(settings: Mapping[str, str]) -> ssl.SSLContext:
    """Return the SSL context of a client: what it trusts and shows; certificates are read once.

    Raises:
        AddressError: a file can't be read, or holds no certificate or key.
    """
    return _read(tuple(sorted(of_tls(settings).items())))


@lru_cache(maxsize=4)
def _read(settings: tuple[tuple[str, str], ...]) -> ssl.SSLContext:
    given = dict(settings)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if given.get("ssl.endpoint.identification.algorithm", "https").lower() == "none":
        context.check_hostname = False
    if given.get("enable.ssl.certificate.verification", "true") == "false":
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    _trust(context, given)
    _show(context, given)
    return context


def _trust(context: ssl.SSLContext, given: Mapping[str, str]) -> None:
    place, text = given.get("ssl.ca.location"), given.get("ssl.ca.pem")
    try:
        if place is not None:
            is_folder = Path(place).is_dir()
            context.load_verify_locations(
                None if is_folder else place, place if is_folder else None
            )
        elif text is not None:
            context.load_verify_locations(cadata=text)
        else:
            context.load_default_certs()
    except (OSError, ValueError, TypeError) as error:  # TypeError: a text that is not ASCII
        raise no_authority("ssl.ca", place, error) from None


def no_authority(prefix: str, place: str | None, error: Exception) -> AddressError:
    """Return the error for an authority's certificate that can't be read.

    Args:
        prefix: the prefix of the properties, such as `ssl.ca`.
        place: the file of the certificate; None if the property holds its text.
        error: the error that reading it raised.
    """
    key = f"{prefix}.pem" if place is None else f"{prefix}.location"
    return AddressError(key, _unreadable(place, error, "certificate of an authority"))


def _show(context: ssl.SSLContext, given: Mapping[str, str]) -> None:
    """Load the client's own certificate and key, from files or texts."""
    if not any(f"ssl.certificate.{kind}" in given for kind in ("location", "pem")):
        return
    try:
        pem = b"\n".join(_pem(given, part) for part in ("ssl.certificate", "ssl.key"))
        load_pair(context, pem, given.get("ssl.key.password", ""))
    except OSError as error:
        is_read = isinstance(error, ssl.SSLError)
        place = None if is_read else error.filename
        what = "certificate with its key (wrong key, or wrong ssl.key.password)"
        raise AddressError("ssl.certificate.location", _unreadable(place, error, what)) from None


def own_certificate(settings: Mapping[str, str]) -> str:
    """Return the client certificate in settings of librdkafka, as PEM without its chain, or ""."""
    if not any(f"ssl.certificate.{kind}" in settings for kind in ("location", "pem")):
        return ""
    text = _pem(settings, "ssl.certificate").decode("ascii", errors="replace")
    begin = text.find(_BEGIN)
    return text[begin : text.find(_END, begin) + len(_END)]


def load_pair(context: ssl.SSLContext, pem: bytes, password: str = "") -> None:
    """Load a certificate with its key from memory, although Python's ssl reads only files.

    Args:
        context: the context that gets them.
        pem: the certificate and the key.
        password: the key's password; without one, OpenSSL would ask for it on the terminal.

    Raises:
        ssl.SSLError: the text does not hold both, or they do not belong together.
    """
    memory = os.memfd_create("perf-pipeline-certificate")
    try:
        os.write(memory, pem)
        context.load_cert_chain(f"/proc/self/fd/{memory}", password=password)
    finally:
        os.close(memory)


def _pem(given: Mapping[str, str], part: str) -> bytes:
    if place := given.get(f"{part}.location"):
        return Path(place).read_bytes()
    return given[f"{part}.pem"].encode()


def _unreadable(place: str | None, error: Exception, what: str) -> str:
    if isinstance(error, OSError) and not isinstance(error, ssl.SSLError):
        return f"is {place}, which can't be read: {error.strerror}"
    return f"{f'is {place}, which ' if place else ''}holds no {what}"


def opened(
    connection: socket.socket, host: str, where: str, settings: Mapping[str, str]
) -> ssl.SSLSocket:
    """Speak TLS on a connection.

    Args:
        connection: a connection to the listener.
        host: the name that its certificate is for.
        where: host and port of the listener, for messages.
        settings: the settings of librdkafka.

    Raises:
        TargetUnavailableError: one side does not trust the other, or the listener does not speak
            TLS; the sentence says which, and why.
        AddressError: one of our certificates can't be read.
    """
    try:
        return tls_of(settings).wrap_socket(connection, server_hostname=host)
    except TimeoutError:
        raise
    except ssl.SSLError as error:
        raise refusal(error, where, settings) from None
    except OSError:
        raise _speaks_none(where, settings) from None


def refusal(error: ssl.SSLError, where: str, settings: Mapping[str, str]) -> TargetUnavailableError:
    """Say in a sentence why TLS to a listener failed."""
    if isinstance(error, ssl.SSLCertVerificationError):
        usual = (f"is not accepted ({error.verify_message})", "correct ssl.ca.location")
        why, hint = _WHY.get(error.verify_code, usual)
        sentence = f"the certificate of the listener at {where} {why}"
        return TargetUnavailableError(sentence, hint=hint)
    reason = error.reason or ""
    if "ALERT" not in reason:
        return _speaks_none(where, settings)
    told = reason.partition("ALERT_")[2].replace("_", " ").lower()
    if any(f"ssl.certificate.{kind}" in settings for kind in ("location", "pem")):
        return TargetUnavailableError(
            f"the listener at {where} refuses the client's certificate ({told})",
            hint="correct ssl.certificate.location, or have its authority trusted by the broker",
        )
    return TargetUnavailableError(
        f"the listener at {where} ended TLS ({told}), as listeners do that want a client's "
        "certificate",
        hint="write ssl.certificate.location and ssl.key.location into [targets.NAME.kafka]",
    )


def _speaks_none(where: str, settings: Mapping[str, str]) -> TargetUnavailableError:
    return TargetUnavailableError(
        f"the listener at {where} does not answer in TLS, but security.protocol is "
        f"{settings['security.protocol']}",
        hint="name a listener with TLS, or correct security.protocol in [targets.NAME.kafka]",
    )
