"""Decide whom an alert may reach: this machine, and the hosts named in PERF_ALLOWED_HOSTS.

Add here: nothing. Keep out: sending.
"""

from collections.abc import Mapping
from typing import Final

from perf_pipeline.config.allowed import AllowedHosts, entries_in
from perf_pipeline.config.hosts import Place, read_host, read_port
from perf_pipeline.config.safety import require_allowed
from perf_pipeline.config.web_address import WebAddress
from perf_pipeline.errors import RequestError
from perf_pipeline.secrecy.known import KNOWN

_HINT: Final = "if alerts may go there, add the host to PERF_ALLOWED_HOSTS"


def require_permitted(server: str, environ: Mapping[str, str], what: str) -> tuple[str, int]:
    """Return host and port of a server that may be reached.

    Raises:
        PerfPipelineError: it may not, or is no host and port.
    """
    host, _, port = server.rpartition(":")
    try:
        place = Place(read_host(host), read_port(port))
    except ValueError as error:
        raise RequestError(f"{what} {server!r} {error}") from None
    _require(place, environ, f"{what} {place.host}")
    assert place.port is not None
    return place.host, place.port


def permitted_address(variable: str, environ: Mapping[str, str]) -> str:
    """Return the address that a variable holds, as it was read, if it may be reached.

    Raises:
        PerfPipelineError: it may not, is not set, or is no address; the text does not show it.
    """
    written = secret_of(variable, environ)
    KNOWN.add_address(written)
    try:
        address = WebAddress.read(written)
    except ValueError:
        raise RequestError(f"the address in {variable} is not an http or https address") from None
    if address.has_userinfo:
        raise RequestError(f"the address in {variable} holds a user or a password before its host")
    _require(Place(address.host, address.port), environ, f"the host of {variable}, {address.host},")
    return str(address)


def secret_of(variable: str, environ: Mapping[str, str]) -> str:
    """Return the value of a variable, which nobody is shown from now on.

    Raises:
        RequestError: it is not set.
    """
    value = value_of(variable, environ)
    KNOWN.add(value)
    return value


def value_of(variable: str, environ: Mapping[str, str]) -> str:
    """Return the value of a variable.

    Raises:
        RequestError: it is not set.
    """
    value = environ.get(variable, "").strip()
    if not value:
        raise RequestError(f"the variable {variable} is not set")
    return value


def _require(place: Place, environ: Mapping[str, str], named: str) -> None:
    try:
        allowed = AllowedHosts.read(entries_in(environ.get("PERF_ALLOWED_HOSTS", "")))
    except ValueError as error:
        raise RequestError(f"PERF_ALLOWED_HOSTS names {error}") from None
    require_allowed(place, allowed, named, _HINT)
