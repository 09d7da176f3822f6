"""Visit a shop as a browser would, and keep the visit as browsers keep it (HAR 1.2).

Add here: another habit of browsers. Keep out: shops.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx

NOISE = {
    "User-Agent": "Mozilla/5.0",
    "Accept": "*/*",
    "sec-fetch-mode": "cors",
    "Upgrade-Insecure-Requests": "1",
    "Referer": "http://elsewhere.example/",
}


@dataclass(slots=True)
class RecordedVisit:
    """Hold what was recorded.

    Attributes:
        base_url: of the shop.
        now: the time of the recording, s since the epoch; it moves by itself with each request.
        entries: of the recording.
    """

    base_url: str
    now: float = 1_900_000_000.0
    entries: list[dict[str, Any]] = field(default_factory=list)
    _client: httpx.Client = field(default_factory=lambda: httpx.Client(trust_env=False))

    def ask(self, method: str, path: str, headers: dict[str, str], **content: Any) -> Any:
        """Send a request and record it; give the answer read as JSON, or None."""
        url = path if "://" in path else f"{self.base_url}{path}"
        request = self._client.build_request(method, url, headers=NOISE | headers, **content)
        answer = self._client.send(request)
        self.entries.append(self._entry(request, answer))
        self.now += 0.02
        is_json = answer.headers.get("content-type") == "application/json" and answer.content
        return answer.json() if is_json else None

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def pause(self, seconds: float) -> None:
        """Let time pass in the recording."""
        self.now += seconds

    @property
    def har(self) -> dict[str, Any]:
        """Give the recording."""
        return {"log": {"version": "1.2", "creator": {"name": "test"}, "entries": self.entries}}

    def _at(self) -> str:
        return datetime.fromtimestamp(self.now, UTC).isoformat().replace("+00:00", "Z")

    def _entry(self, request: httpx.Request, answer: httpx.Response) -> dict[str, Any]:
        kind = answer.headers.get("content-type", "")
        posted = {
            "mimeType": request.headers.get("content-type", ""),
            "text": request.content.decode(),
        }
        query = parse_qsl(urlsplit(str(request.url)).query)
        return {
            "startedDateTime": self._at(),
            "time": 20.0,
            "request": {
                "method": request.method,
                "url": str(request.url),
                "headers": _listed(request.headers),
                "queryString": [{"name": name, "value": value} for name, value in query],
                "cookies": [],
                **({"postData": posted} if request.content else {}),
            },
            "response": {
                "status": answer.status_code,
                "headers": _listed(answer.headers),
                "redirectURL": answer.headers.get("location", ""),
                "content": {"mimeType": kind, "text": answer.text, "size": len(answer.content)},
            },
        }


def _listed(headers: httpx.Headers) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in headers.multi_items()]
