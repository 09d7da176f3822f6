"""The driver's own small HTTP client: GET, one connection, no redirects, no cookies.

Its requests are not part of the load and are never measured. Add here: something that such a
request needs. Keep out: the load's client (client.py).
"""

import http.client
import socket
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import urlsplit

_TIMEOUT_S: Final = 5.0
_MOST_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class PlainAnswer:
    """Hold an answer: status, headers by lower-case name, and the first megabyte of the body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class _CheckedConnection(http.client.HTTPConnection):
    """Connect to an address that was checked, under the name of the URL."""

    def __init__(
        self, addresses: Sequence[str], port: int, name: str, tls: ssl.SSLContext | None
    ) -> None:
        super().__init__(name, port, timeout=_TIMEOUT_S)
        self._addresses, self._name, self._tls = addresses, name, tls

    def connect(self) -> None:
        """Try one address after the other.

        Raises:
            OSError: none accepts.
        """
        failure = OSError(f"{self._name} has no address")
        for address in self._addresses:
            try:
                sock = socket.create_connection((address, self.port), _TIMEOUT_S)
            except OSError as error:
                failure = error
                continue
            self.sock = (
                sock
                if self._tls is None
                else self._tls.wrap_socket(sock, server_hostname=self._name)
            )
            return
        raise failure


class PlainClient:
    """Send requests to a target over a kept connection.

    Args:
        base_url: the URL of the target.
        addresses: the addresses of its name; if there are none, the resolver is asked.
        tls: the TLS context; None for http.
    """

    def __init__(self, base_url: str, addresses: Sequence[str], tls: ssl.SSLContext | None) -> None:
        parts = urlsplit(base_url)
        self._prefix = parts.path.rstrip("/")
        name = parts.hostname or ""
        port = parts.port or (443 if parts.scheme == "https" else 80)
        self._connection = _CheckedConnection(addresses or (name,), port, name, tls)

    @classmethod
    def of(
        cls, base_url: str, addresses: Sequence[str], ca_files: Sequence[str], *, anybody: bool
    ) -> Self:
        """Make a client that trusts the system's authorities and further ones, or anybody."""
        if urlsplit(base_url).scheme != "https":
            return cls(base_url, addresses, None)
        tls = ssl.create_default_context()
        for file in ca_files:
            tls.load_verify_locations(file)
        if anybody:
            tls.check_hostname = False
            tls.verify_mode = ssl.CERT_NONE
        return cls(base_url, addresses, tls)

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> PlainAnswer:
        """Send a GET; if the target has closed the connection in the meantime, reopen it.

        Raises:
            OSError: there was no answer.
        """
        for is_last in (False, True):
            try:
                self._connection.request("GET", self._prefix + path, headers=dict(headers or {}))
                response = self._connection.getresponse()
                body = response.read(_MOST_BYTES)
                if not response.isclosed():
                    self.close()
            except (OSError, http.client.HTTPException) as error:
                self.close()
                if is_last or isinstance(error, TimeoutError):
                    raise (
                        error
                        if isinstance(error, OSError)
                        else OSError(str(error) or type(error).__name__)
                    ) from error
            else:
                found = {name.lower(): value for name, value in response.getheaders()}
                return PlainAnswer(response.status, found, body)
        raise AssertionError("the loop ends with an answer or an error")

    def close(self) -> None:
        """Close the connection; the next request opens another one."""
        self._connection.close()
