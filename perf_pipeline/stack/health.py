"""Ask an API whether it is healthy, whoever started it.

Add here: another question to a running system that is asked before a load. Keep out: load.
"""

import contextlib
import socket
import ssl
from collections.abc import Iterator, Sequence
from typing import Final

import httpx

from perf_pipeline.config.own_scenarios import Trust
from perf_pipeline.engine.machine_limits import MORE_LIMITS, is_own_limit
from perf_pipeline.engine.tls_faults import is_plain_answer
from perf_pipeline.errors import GeneratorLimitError, TargetUnavailableError
from perf_pipeline.secrecy.known import KNOWN

_TIMEOUT_S: Final = 5.0
_MOST_READ: Final = 4_096


def require_health(base_url: str, trust: Trust, addresses: Sequence[str] = ()) -> None:
    """Ask for /health before the API is loaded.

    Args:
        base_url: of the API.
        trust: whose certificates are taken beside those of the system's authorities.
        addresses: where its name was found to lead, tried in this order; none leaves it to httpx.

    Raises:
        TargetUnavailableError: names the address and what it answered.
        GeneratorLimitError: this machine could not even ask.
    """
    url = f"{base_url.rstrip('/')}/health"
    try:
        status, beginning = _asked(url, trust, addresses)
    except httpx.HTTPError as error:
        if any(is_own_limit(one) for one in _system_errors(error)):
            raise GeneratorLimitError(
                f"this machine has no port or file descriptor left to ask {url} with: {error}",
                hint=MORE_LIMITS,
            ) from error
        _require_scheme(httpx.URL(url), addresses, error)
        raise TargetUnavailableError(
            f"GET {url} got no answer: {error or type(error).__name__}",
            hint="start the target, or correct its address; `perf-pipeline doctor` looks closer",
        ) from error
    if status != httpx.codes.OK:
        raise TargetUnavailableError(
            f"GET {url} answered {status}: {KNOWN.mask(beginning)[:200]}",
            hint="the target says itself that it is not healthy",
        )


def _asked(url: str, trust: Trust, addresses: Sequence[str]) -> tuple[int, str]:
    """Ask the first of the addresses that accepts a connection, under the URL's own name.

    Returns:
        The status, and the beginning of the body: a target may send gigabytes.
    """
    name = httpx.URL(url)
    with httpx.Client(timeout=_TIMEOUT_S, trust_env=False, verify=_tls(trust)) as client:
        for address in addresses[:-1]:
            with contextlib.suppress(httpx.ConnectError):
                return _beginning(client, _request(client, name, address))
        last = addresses[-1] if addresses else name.host
        return _beginning(client, _request(client, name, last))


def _beginning(client: httpx.Client, request: httpx.Request) -> tuple[int, str]:
    response = client.send(request, stream=True)
    try:
        if response.status_code == httpx.codes.OK:
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
    """Name a target that speaks the other scheme on its port.

    Raises:
        TargetUnavailableError: it does.
    """
    if url.scheme == "https" and any(is_plain_answer(one) for one in _system_errors(error)):
        raise TargetUnavailableError(
            f"GET {url} was answered in plain text: the target speaks plain HTTP there",
            hint="use http:// in the target's base_url",
        ) from error
    is_cut = isinstance(error, httpx.RemoteProtocolError | httpx.ReadError)
    if url.scheme == "http" and is_cut and _answers_tls([*addresses, url.host][0], url.port or 80):
        raise TargetUnavailableError(
            f"GET {url} got no answer: the target speaks TLS there",
            hint="use https:// in the target's base_url",
        ) from error


def _answers_tls(host: str, port: int) -> bool:
    """Say whether a TLS handshake is answered, whoever it is that answers."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    try:
        with (
            socket.create_connection((host, port), _TIMEOUT_S) as connection,
            tls.wrap_socket(connection),
        ):
            return True
    except ssl.SSLError as error:
        # An alert is an answer, too: of a server that wants a client's certificate, for one.
        return "ALERT" in (error.reason or "")
    except OSError:
        return False


def _system_errors(error: BaseException | None) -> Iterator[OSError]:
    """Give the system's errors among the causes of an error."""
    while error is not None:
        if isinstance(error, OSError):
            yield error
        error = error.__cause__ or error.__context__


def _tls(trust: Trust) -> ssl.SSLContext:
    # As the load's own connections, which know nothing of httpx's list of authorities.
    tls = ssl.create_default_context()
    for file in trust.ca_files:
        tls.load_verify_locations(file)
    if trust.anybody:
        tls.check_hostname = False
        tls.verify_mode = ssl.CERT_NONE
    return tls
