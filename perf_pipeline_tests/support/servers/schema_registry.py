"""A schema registry that speaks the part of Confluent's REST API that producers ask.

Source: Confluent's API reference (GET /subjects/(subject)/versions/latest, error codes 40401 and
401). Add here: another question of producers. Keep out: schemas.
"""

import json
from base64 import b64decode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from perf_pipeline_tests.support.servers.serving import QuietHandler, serving

ID = 7


@dataclass(frozen=True, slots=True)
class Registry:
    """Hold where it is, and what it was asked."""

    url: str
    asked: list[str] = field(default_factory=list)


@contextmanager
def schema_registry(schemas: Mapping[str, tuple[str, str]], login: str = "") -> Iterator[Registry]:
    """Hold schemas by subject, each with its type; ask for `user:password` if there is one."""
    asked: list[str] = []

    class _Registry(QuietHandler):
        def do_GET(self) -> None:
            asked.append(f"GET {self.path}")
            told = self.headers.get("Authorization", "").removeprefix("Basic ")
            if login and b64decode(told).decode() != login:
                self._answer(401, {"error_code": 401, "message": "Unauthorized"})
                return
            parts = urlsplit(self.path).path.strip("/").split("/")
            found = schemas.get(parts[1]) if parts[2:] == ["versions", "latest"] else None
            if found is None:
                self._answer(
                    404, {"error_code": 40401, "message": f"Subject '{parts[1]}' not found."}
                )
                return
            kind, text = found
            body = {"subject": parts[1], "version": 1, "id": ID, "schema": text}
            self._answer(200, body if kind == "AVRO" else {**body, "schemaType": kind})

        def do_POST(self) -> None:
            asked.append(f"POST {self.path}")
            self._answer(403, {"error_code": 403, "message": "read only"})

        def _answer(self, status: int, body: Mapping[str, object]) -> None:
            raw = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/vnd.schemaregistry.v1+json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

    with serving(_Registry) as url:
        yield Registry(url, asked)
