"""Read a browser's recording (HAR 1.2): every request with its answer, in the order of sending.

A recording is JSON that browsers write each in their own way, so nothing in it is relied on.
Source: http://www.softwareishard.com/blog/har-12-spec/
Add here: another field that steps need. Keep out: which requests become steps (from_har.py).
"""

import base64
import binascii
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

from perf_pipeline.errors import RequestError
from perf_pipeline.new_project.seen_request import SeenRequest, json_of, table_of


@dataclass(frozen=True, slots=True)
class RecordedExchange:
    """Hold a request and its answer.

    Attributes:
        request: as it was sent.
        began_s: when, in s since the epoch.
        took_s: until the whole answer was there.
        status: 0 where there was no answer.
        headers: the headers of the answer, names in small letters.
        answer: its body as text; empty where the recording has none.
        media_type: the media type of the body, without parameters.
        kind: what the browser took it for (`document`, `xhr`); empty where it does not say.
    """

    request: SeenRequest
    began_s: float
    took_s: float
    status: int
    headers: tuple[tuple[str, str], ...]
    answer: str
    media_type: str
    kind: str

    @property
    def ended_s(self) -> float:
        """Return the time at which the whole answer was there."""
        return self.began_s + self.took_s

    @property
    def json(self) -> Any:
        """Return the answer read as JSON; None where it is none."""
        return json_of(self.answer) if self.answer.lstrip()[:1] in {"{", "["} else None

    @property
    def location(self) -> str:
        """Return the address that the answer redirects to; empty where it does not."""
        return dict(self.headers).get("location", "")

    @property
    def is_page(self) -> bool:
        """Say whether the answer is HTML."""
        return self.media_type in {"text/html", "application/xhtml+xml"}


def read_recording(text: str, origin: str) -> list[RecordedExchange]:
    """Read a recording, in the order in which its requests were sent.

    Raises:
        RequestError: it is no recording, or holds no request.
    """
    raw = json_of(text)
    log = table_of(table_of(raw).get("log"))
    entries = log.get("entries")
    if not isinstance(entries, list):
        raise RequestError(
            f"{origin} is not a recording of a browser: it has no log.entries",
            hint="save it in the browser's network panel, with `Save all as HAR`",
        )
    found = sorted(filter(None, map(_exchange, entries)), key=lambda exchange: exchange.began_s)
    if not found:
        raise RequestError(f"{origin} is a recording without any request")
    return found


def _exchange(raw: Any) -> RecordedExchange | None:
    entry = table_of(raw)
    request, response = table_of(entry.get("request")), table_of(entry.get("response"))
    content = table_of(response.get("content"))
    url = request.get("url")
    if not isinstance(url, str) or not _is_address(url):
        return None
    return RecordedExchange(
        request=_request(url, request),
        began_s=_moment(entry.get("startedDateTime")),
        took_s=max(0.0, _number(entry.get("time")) / 1_000),
        status=int(_number(response.get("status"))),
        headers=tuple((name.lower(), value) for name, value in _pairs(response.get("headers"))),
        answer=_text(content),
        media_type=str(content.get("mimeType") or "").partition(";")[0].strip().lower(),
        kind=str(entry.get("_resourceType") or "").lower(),
    )


def _is_address(url: str) -> bool:
    try:
        urlsplit(url)
    except ValueError:
        return False
    return True


def _request(url: str, raw: Mapping[str, Any]) -> SeenRequest:
    posted = table_of(raw.get("postData"))
    text = posted.get("text")
    if not text and (fields := list(_pairs(posted.get("params")))):
        text = urlencode(fields)
    return SeenRequest(
        method=str(raw.get("method") or "GET").upper(),
        url=url,
        headers=tuple(_pairs(raw.get("headers"))),
        body=text if isinstance(text, str) and text else None,
        body_type=str(posted.get("mimeType") or ""),
    )


def _text(content: Mapping[str, Any]) -> str:
    text = content.get("text")
    if not isinstance(text, str):
        return ""
    if content.get("encoding") != "base64":
        return text
    try:
        return base64.b64decode(text).decode(errors="replace")
    except (binascii.Error, ValueError):
        return ""


def _pairs(raw: Any) -> Iterator[tuple[str, str]]:
    for pair in raw if isinstance(raw, list) else ():
        if isinstance(pair, Mapping) and isinstance(pair.get("name"), str):
            yield pair["name"], str(pair.get("value") or "")


def _moment(raw: Any) -> float:
    try:
        return datetime.fromisoformat(str(raw)).timestamp()
    except (ValueError, OverflowError):
        return 0.0


def _number(raw: Any) -> float:
    return float(raw) if isinstance(raw, int | float) and abs(raw) < 1e15 else 0.0
