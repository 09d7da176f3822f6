"""The receivers of points: where a request goes, with which headers, and how its body is written.

Add here: another kind of receiver. Keep out: sending (sender.py), how URLs are read (config/).
"""

import base64
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote

from perf_pipeline.config.outputs import OTEL_HEADERS, token_variable
from perf_pipeline.config.web_address import WebAddress
from perf_pipeline.outputs.point import Point
from perf_pipeline.secrecy.known import KNOWN

Write = Callable[[Iterable[Point]], bytes]


@dataclass(frozen=True, slots=True)
class Receiver:
    """Say how points reach a receiver.

    Attributes:
        kind: `influxdb`, `prometheus` or `otel`.
        url: that is posted to.
        token_variable: the environment variable that a token comes from.
        headers: the headers of a request; they may hold secrets.
        write: makes a request's body.
    """

    kind: str
    url: str
    token_variable: str
    headers: Mapping[str, str] = field(repr=False)
    write: Write = field(repr=False)

    @property
    def shown(self) -> str:
        """Name it for people, without its query."""
        return f"{self.kind} at {WebAddress.read(self.url).root}"


def receiver_of(kind: str, url: str, environment: Mapping[str, str], began_ms: int) -> Receiver:
    """Make a receiver.

    Args:
        kind: the kind of `config.outputs.RECEIVERS`.
        url: that is posted to.
        environment: holds the token: of a bearer, of InfluxDB, or `user:password`.
        began_ms: when the run began, in ms since 1970.
    """
    token = environment.get(token_variable(kind), "").strip()
    KNOWN.add_all([token])
    return Receiver(
        kind,
        url,
        token_variable(kind),
        {**_HEADERS[kind], **_given_headers(kind, environment), **_authorization(kind, token)},
        _writer(kind, began_ms),
    )


_HEADERS: Final[Mapping[str, Mapping[str, str]]] = {
    "influxdb": {"Content-Type": "text/plain; charset=utf-8"},
    "prometheus": {
        "Content-Type": "application/x-protobuf",
        "Content-Encoding": "snappy",
        "X-Prometheus-Remote-Write-Version": "0.1.0",
    },
    "otel": {"Content-Type": "application/x-protobuf"},
}


def _writer(kind: str, began_ms: int) -> Write:
    # Each imports what takes a while, and only one of them is used.
    if kind == "influxdb":
        from perf_pipeline.outputs.line_protocol import lines_of  # noqa: PLC0415

        return lines_of
    if kind == "prometheus":
        from perf_pipeline.outputs.remote_write import request_of  # noqa: PLC0415

        return request_of
    from perf_pipeline.outputs.otlp import OtlpEncoder  # noqa: PLC0415

    return OtlpEncoder(began_ms).request_of


def _authorization(kind: str, token: str) -> dict[str, str]:
    if not token:
        return {}
    if ":" in token:
        return {"Authorization": f"Basic {base64.b64encode(token.encode()).decode()}"}
    return {"Authorization": f"{'Token' if kind == 'influxdb' else 'Bearer'} {token}"}


def _given_headers(kind: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that OpenTelemetry's own variable names, e.g. `api-key=abc,x=y`."""
    if kind != "otel":
        return {}
    pairs = [pair.partition("=") for pair in environment.get(OTEL_HEADERS, "").split(",")]
    found = {name.strip(): unquote(value.strip()) for name, _, value in pairs if value}
    KNOWN.add_all(found.values())
    return found
