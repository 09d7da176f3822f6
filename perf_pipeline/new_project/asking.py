"""Ask a system for its description, or for one page: the only requests of `init`.

Add here: another place where systems keep their description. Keep out: what becomes of an answer.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import urljoin

import httpx

from perf_pipeline.config.web_address import WebAddress
from perf_pipeline.errors import RequestError, TargetUnavailableError
from perf_pipeline.new_project.seen_request import json_of

DESCRIPTION: Final = "openapi.json"
_TIMEOUT_S: Final = 10.0
_LONGEST_S: Final = 60.0
_MOST_BYTES: Final = 64 << 20


@dataclass(frozen=True, slots=True)
class FirstAnswer:
    """Hold what one GET was answered with.

    Attributes:
        base_url: scheme, host and port.
        target: path and query that were asked.
        status: the status of the answer.
        remarks: what was not found before, one sentence each.
    """

    base_url: str
    target: str
    status: int
    remarks: tuple[str, ...]


def find_description(url: str) -> tuple[str, str] | None:
    """Ask for `openapi.json` below the address and at its root; give its text and its place.

    Raises:
        TargetUnavailableError: nobody answers there.
    """
    for place in _places(url):
        status, text = _get(place)
        if status == httpx.codes.OK:
            read = json_of(text)
            if isinstance(read, dict) and ("openapi" in read or "swagger" in read):
                return text, place
    return None


def first_answer(url: str) -> FirstAnswer:
    """Ask for the page itself.

    Raises:
        TargetUnavailableError: nobody answers there.
        RequestError: the answer is an error, so that a load of it would show nothing.
    """
    address = WebAddress.read(url)
    base, target = address.root, address.target
    status, _ = _get(f"{base}{target}")
    if status >= httpx.codes.BAD_REQUEST:
        raise RequestError(
            f"{base} has no {DESCRIPTION}, and GET {base}{address.path} answered {status}",
            hint="give a page that answers, like --url http://host:port/orders; --curl '…' takes "
            "over a request that needs a token, or another method, and --har FILE a visit that "
            "begins with a login",
        )
    return FirstAnswer(
        base, target, status, (f"{base} has no {DESCRIPTION}; only {target} was asked",)
    )


def _places(url: str) -> Iterator[str]:
    address = WebAddress.read(url)
    base = address.root
    below = f"{base}{address.path.rstrip('/')}/{DESCRIPTION}"
    yield below
    if below != (at_root := urljoin(base, f"/{DESCRIPTION}")):
        yield at_root


def _get(url: str) -> tuple[int, str]:
    """Return status and text; a longer text is cut, and one that takes longer is given up."""
    until_s = time.monotonic() + _LONGEST_S
    try:
        with (
            httpx.Client(timeout=_TIMEOUT_S, trust_env=False) as client,
            client.stream("GET", url, headers={"Accept": "application/json, */*"}) as answer,
        ):
            parts, size = [], 0
            for part in answer.iter_bytes():
                parts.append(part)
                size += len(part)
                if size > _MOST_BYTES:
                    break
                if time.monotonic() > until_s:
                    raise httpx.ReadTimeout(f"it is not whole after {_LONGEST_S:g} s")
    except httpx.HTTPError as error:
        raise TargetUnavailableError(
            f"GET {url} got no answer: {error or type(error).__name__}",
            hint="start the system, or correct its address; nothing was written",
        ) from error
    return answer.status_code, b"".join(parts).decode(errors="replace")
