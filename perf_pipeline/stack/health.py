"""Check whether an API is healthy, whoever started it.

Add here: another check of a running system before a load. Keep out: load.
"""

import contextlib
import socket
import ssl
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import httpx

from perf_pipeline.config.health_question import OF_THE_REFERENCE_SYSTEM, HealthQuestion
from perf_pipeline.config.own_scenarios import Trust
from perf_pipeline.engine.machine_limits import MORE_LIMITS, is_own_limit
from perf_pipeline.engine.tls_faults import is_plain_answer
from perf_pipeline.errors import GeneratorLimitError, TargetUnavailableError
from perf_pipeline.secrecy.known import KNOWN

_TIMEOUT_S: Final = 5.0
_PORTS: Final[Mapping[str, int]] = MappingProxyType({"http": 80, "https": 443})
# For plain HTTP, which is not redirected either; reading the system's certificates takes 40 ms.
_NO_AUTHORITIES: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
_MOST_READ: Final = 4_096
_MOST_ANSWERED: Final = 1 << 20
ASK_DOCTOR: Final = "; `perf-pipeline doctor` shows more"
"""Ends a remedy; the doctor's own leave it out."""
_START_IT: Final = f"start the target, or correct its address{ASK_DOCTOR}"


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """Hold an answer: its status, its headers by lower-case name, and its first megabyte."""

    status: int
    headers: Mapping[str, str]
    text: str


def answer_to(url: str, trust: Trust, addresses: Sequence[str] = ()) -> HttpAnswer:
    """Return the answer to a GET, whatever its status; redirects are not followed.

    Args:
        url: a URL on the target.
        trust: which certificates are accepted in addition to those of the system's authorities.
        addresses: the addresses of its name, tried in this order; if there are none, httpx looks
            them up.

    Raises:
        TargetUnavailableError: there was no answer.
    """
    name = httpx.URL(url)
    try:
        with _client(name, trust) as client:
            response = _first_answer(client, name, addresses)
            read = bytearray()
            for part in response.iter_raw():
                read += part
                if len(read) >= _MOST_ANSWERED:
                    break
            response.close()
    except (httpx.HTTPError, OSError) as error:
        told = str(error) or type(error).__name__
        raise TargetUnavailableError(f"GET {url} got no answer: {told}", hint=_START_IT) from error
    headers = {key.lower(): value for key, value in response.headers.items()}
    return HttpAnswer(response.status_code, headers, read.decode(errors="replace"))


def require_health(
    base_url: str,
    trust: Trust,
    addresses: Sequence[str] = (),
    question: HealthQuestion = OF_THE_REFERENCE_SYSTEM,
) -> None:
    """Require a healthy API, checked by a request, by a connection, or not at all.

    Args:
        base_url: the URL of the API.
        trust: which certificates are accepted in addition to those of the system's authorities.
        addresses: the addresses of its name, tried in this order; if there are none, httpx looks
            them up.
        question: the check, with the expected answer.

    Raises:
        TargetUnavailableError: the API is not healthy; the message names the address and the
            answer.
        GeneratorLimitError: this machine could not even send the request.
    """
    if question.check == "tcp":
        _require_connection(httpx.URL(base_url), trust, addresses)
    elif question.check == "http":
        _require_answer(base_url, trust, addresses, question)


def _require_answer(
    base_url: str, trust: Trust, addresses: Sequence[str], question: HealthQuestion
) -> None:
    url = f"{base_url.rstrip('/')}{question.path}"
    try:
        status, beginning = _asked(url, trust, addresses, question.statuses)
    except httpx.HTTPError as error:
        if any(is_own_limit(cause) for cause in _system_errors(error)):
            raise _cannot_ask(url, error) from error
        _require_scheme(httpx.URL(url), addresses, error)
        raise TargetUnavailableError(
            f"GET {url} got no answer: {error or type(error).__name__}",
            hint=_START_IT,
        ) from error
    if status not in question.statuses:
        raise TargetUnavailableError(
            f"GET {url} answered {status}: {KNOWN.mask(beginning)[:200]}", hint=_remedy_for(status)
        )


def _remedy_for(status: int) -> str:
    if status >= httpx.codes.INTERNAL_SERVER_ERROR:
        return "the target itself says that it is not healthy"
    return (
        "healthPath and healthStatus of the target say what is asked and which answer is right; "
        'healthCheck = "tcp" only connects'
    )


def _require_connection(url: httpx.URL, trust: Trust, addresses: Sequence[str]) -> None:
    """Open a connection, with TLS if the URL says so, and close it again.

    Raises:
        TargetUnavailableError: nobody accepts the connection, or the certificate is not trusted.
        GeneratorLimitError: this machine could not even connect.
    """
    port = url.port or _PORTS[url.scheme]
    hosts, error = list(addresses) or [url.host], OSError()
    for host in hosts:
        try:
            with socket.create_connection((host, port), _TIMEOUT_S) as connection:
                if url.scheme == "https":
                    _tls(trust).wrap_socket(connection, server_hostname=url.host).close()
                return
        except OSError as refused:
            error = refused
    if is_own_limit(error):
        raise _cannot_ask(url, error) from error
    if is_plain_answer(error):
        raise _speaks_plain(f"a TLS handshake with {url}") from error
    raise TargetUnavailableError(
        f"{url} accepts no connection: {error.strerror or error}",
        hint=_START_IT,
    ) from error


def _asked(
    url: str, trust: Trust, addresses: Sequence[str], right: Collection[int]
) -> tuple[int, str]:
    """Return the status and only the beginning of the body, because a target may send gigabytes."""
    name = httpx.URL(url)
    with _client(name, trust) as client:
        return _beginning(_first_answer(client, name, addresses), right)


def _client(name: httpx.URL, trust: Trust) -> httpx.Client:
    tls = _tls(trust) if name.scheme == "https" or trust.ca_files else _NO_AUTHORITIES
    return httpx.Client(timeout=_TIMEOUT_S, trust_env=False, verify=tls)


def _first_answer(
    client: httpx.Client, name: httpx.URL, addresses: Sequence[str]
) -> httpx.Response:
    """Ask the first address that accepts a connection, under the URL's own name."""
    for address in addresses[:-1]:
        with contextlib.suppress(httpx.ConnectError):
            return client.send(_request(client, name, address), stream=True)
    last = addresses[-1] if addresses else name.host
    return client.send(_request(client, name, last), stream=True)


def _beginning(response: httpx.Response, right: Collection[int]) -> tuple[int, str]:
    try:
        if response.status_code in right:
            return response.status_code, ""
        first = next(response.iter_raw(), b"")[:_MOST_READ]
    finally:
        response.close()
    return response.status_code, first.decode(errors="replace")


def _request(client: httpx.Client, name: httpx.URL, address: str) -> httpx.Request:
    headers = {"Host": name.netloc.decode("ascii"), "Accept-Encoding": "identity"}
    extensions = {"sni_hostname": name.raw_host.decode("ascii")}
    at = name.copy_with(host=address)
    return client.build_request("GET", at, headers=headers, extensions=extensions)


def _require_scheme(url: httpx.URL, addresses: Sequence[str], error: httpx.HTTPError) -> None:
    """Refuse a target that speaks the other scheme on its port.

    Raises:
        TargetUnavailableError: it does.
    """
    if url.scheme == "https" and any(is_plain_answer(cause) for cause in _system_errors(error)):
        raise _speaks_plain(f"GET {url}") from error
    is_cut = isinstance(error, httpx.RemoteProtocolError | httpx.ReadError)
    if url.scheme == "http" and is_cut and _answers_tls([*addresses, url.host][0], url.port or 80):
        raise TargetUnavailableError(
            f"GET {url} got no answer, because the target speaks TLS there",
            hint="use https:// in the target's base_url",
        ) from error


def _cannot_ask(url: httpx.URL | str, error: Exception) -> GeneratorLimitError:
    return GeneratorLimitError(
        f"this machine has no free port or file descriptor for a request to {url}: {error}",
        hint=MORE_LIMITS,
    )


def _speaks_plain(asked: str) -> TargetUnavailableError:
    return TargetUnavailableError(
        f"{asked} was answered in plain text, because the target speaks plain HTTP there",
        hint="use http:// in the target's base_url",
    )


def _answers_tls(host: str, port: int) -> bool:
    """Say whether a TLS handshake is answered, whatever the answer."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    try:
        with (
            socket.create_connection((host, port), _TIMEOUT_S) as connection,
            tls.wrap_socket(connection),
        ):
            return True
    except ssl.SSLError as error:
        # An alert is an answer, too, such as that of a server that wants a client certificate.
        return "ALERT" in (error.reason or "")
    except OSError:
        return False


def _system_errors(error: BaseException | None) -> Iterator[OSError]:
    """Return the system's errors among the causes of an error."""
    while error is not None:
        if isinstance(error, OSError):
            yield error
        error = error.__cause__ or error.__context__


def _tls(trust: Trust) -> ssl.SSLContext:
    # Like the load's own connections, which do not use httpx's list of authorities.
    tls = ssl.create_default_context()
    for file in trust.ca_files:
        tls.load_verify_locations(file)
    if trust.anybody:
        tls.check_hostname = False
        tls.verify_mode = ssl.CERT_NONE
    return tls
