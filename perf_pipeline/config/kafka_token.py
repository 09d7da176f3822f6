"""Fetch a token for OAUTHBEARER with client credentials, as librdkafka does (oidc).

Source: RFC 6749, 4.4 and 2.3.1.
Add here: another way to ask for a token. Keep out: logging in with the token (kafka_login.py).
"""

import json
import ssl
import time
from base64 import b64encode
from collections.abc import Mapping
from functools import lru_cache
from http.client import HTTPException
from typing import Final
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import HTTPRedirectHandler, HTTPSHandler, ProxyHandler, Request, build_opener

from perf_pipeline.config.allowed import AllowedHosts
from perf_pipeline.config.kafka_tls import no_authority
from perf_pipeline.config.safety import require_allowed
from perf_pipeline.config.web_address import WebAddress
from perf_pipeline.errors import AddressError, TargetUnavailableError
from perf_pipeline.secrecy.known import KNOWN

_PREFIX: Final = "sasl.oauthbearer."
_PATIENCE_S: Final = 5.0
_KEPT_S: Final = 30.0
_MOST_BYTES: Final = 1 << 16


def token_of(settings: Mapping[str, str], allowed: AllowedHosts) -> str:
    """Return a token; a token is used again for up to half a minute.

    Raises:
        TargetNotAllowedError: the endpoint is neither this machine nor an allowed host.
        TargetUnavailableError: the endpoint gives no token; the sentence quotes its answer.
        AddressError: the endpoint is not a URL, or its authority's certificate can't be read.
    """
    url = settings[f"{_PREFIX}token.endpoint.url"]
    _require_allowed(url, allowed)
    asked = tuple(sorted((key, settings[key]) for key in settings if _matters(key)))
    return _fetched(asked, time.monotonic() // _KEPT_S)


def _matters(key: str) -> bool:
    return key.startswith((_PREFIX, "https.ca."))


def _require_allowed(url: str, allowed: AllowedHosts) -> None:
    key = f"{_PREFIX}token.endpoint.url"
    try:
        place = WebAddress.read_base(url.partition("?")[0]).place
    except ValueError as error:
        raise AddressError(key, f"is not the URL of a token endpoint: it {error}") from None
    require_allowed(place, allowed, f"the token endpoint {place.host} ({key})")


class _NoRedirects(HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """Follow no redirect, so that a client's secret goes only to the place that was checked."""


@lru_cache(maxsize=4)
def _fetched(asked: tuple[tuple[str, str], ...], _: float) -> str:
    settings = dict(asked)
    url = settings[f"{_PREFIX}token.endpoint.url"]
    body = {"grant_type": "client_credentials"}
    if scope := settings.get(f"{_PREFIX}scope"):
        body["scope"] = scope
    user, secret = (_credential(settings, name) for name in ("id", "secret"))
    basic = b64encode(f"{user}:{secret}".encode()).decode()
    KNOWN.add(basic)
    request = Request(  # noqa: S310 - its scheme was read: http or https
        url, urlencode(body).encode(), {"Authorization": f"Basic {basic}", "Accept": "*/*"}
    )
    opener = build_opener(ProxyHandler({}), _NoRedirects(), HTTPSHandler(context=_trust(settings)))
    shown = url.partition("?")[0]
    try:
        with opener.open(request, timeout=_PATIENCE_S) as response:
            token = json.loads(response.read(_MOST_BYTES))["access_token"]
    except HTTPError as error:
        with error:
            raise _no_token(f"answers {error.code} {error.reason}", shown) from None
    except URLError as error:
        raise _no_token(f"does not answer: {error.reason}", shown) from None
    except (OSError, HTTPException) as error:
        raise _no_token(f"does not answer: {error}", shown) from None
    except (ValueError, KeyError, TypeError):
        raise _no_token("answers without an access_token in JSON", shown) from None
    KNOWN.add(str(token))
    return str(token)


def _credential(settings: Mapping[str, str], name: str) -> str:
    newer = settings.get(f"{_PREFIX}client.credentials.client.{name}")
    return newer or settings[f"{_PREFIX}client.{name}"]


def _trust(settings: Mapping[str, str]) -> ssl.SSLContext:
    place = settings.get("https.ca.location")
    try:
        return ssl.create_default_context(cafile=place, cadata=settings.get("https.ca.pem"))
    except (OSError, ValueError, TypeError) as error:  # TypeError: a text that is not ASCII
        raise no_authority("https.ca", place, error) from None


def _no_token(what: str, url: str) -> TargetUnavailableError:
    return TargetUnavailableError(
        f"the token endpoint {url} {what}",
        hint=f"correct {_PREFIX}client.id, .client.secret, .scope or .token.endpoint.url",
    )
