"""Where the figures of a run are sent while it is running: `[out]` of a profile, and `--out`.

Add here: another kind of receiver, with the form of its URL. Keep out: what is sent, and sending
(outputs/).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Annotated, Final
from urllib.parse import parse_qsl, quote, unquote, urlencode

from pydantic import AfterValidator

from perf_pipeline.config.frozen import Frozen
from perf_pipeline.config.hosts import Place
from perf_pipeline.config.web_address import WebAddress

OUT_VARIABLE: Final = "PERF_OUT"
"""Holds receivers as `--out` takes them, with commas between them."""

OTEL_HEADERS: Final = "OTEL_EXPORTER_OTLP_HEADERS"
"""Holds headers as OpenTelemetry's own exporters take them, e.g. `api-key=abc,x=y`."""

_DATABASES: Final = frozenset({"db", "rp"})
_BUCKETS: Final = frozenset({"bucket", "org"})
_NO_DATABASE: Final = (
    "names no database; write http://HOST:8086/DATABASE (InfluxDB 1, VictoriaMetrics) or "
    "http://HOST:8086?org=ORG&bucket=BUCKET (InfluxDB 2)"
)


def influxdb_url(text: str) -> str:
    """Return the URL to which line protocol is posted.

    >>> influxdb_url("http://127.0.0.1:8086/perf")
    'http://127.0.0.1:8086/write?db=perf&precision=ms'

    Raises:
        ValueError: what is wrong; the sentence continues after the URL.
    """
    address = _read(text)
    given = dict(parse_qsl(address.query, keep_blank_values=True))
    if odd := sorted(given.keys() - _DATABASES - _BUCKETS):
        raise ValueError(
            f"has {odd[0][:40]!r} in its query, which knows db, rp, org and bucket; a token comes "
            "from PERF_OUT_INFLUXDB_TOKEN"
        )
    base = address.path.rstrip("/")
    if given.get("bucket"):
        path = f"{base}/api/v2/write"
    elif given.get("db"):
        path = f"{base}/write"
    elif given or base.count("/") != 1:
        raise ValueError(_NO_DATABASE)
    else:
        given, path = {"db": unquote(base[1:])}, "/write"
    return f"{address.root}{path}?{urlencode({**given, 'precision': 'ms'}, quote_via=quote)}"


def prometheus_url(text: str) -> str:
    """Return the URL to which remote writes are posted.

    >>> prometheus_url("http://127.0.0.1:9090")
    'http://127.0.0.1:9090/api/v1/write'

    Raises:
        ValueError: what is wrong; the sentence continues after the URL.
    """
    return _with_path(text, "/api/v1/write")


def otel_url(text: str) -> str:
    """Return the URL to which OTLP metrics are posted.

    >>> otel_url("http://127.0.0.1:4318")
    'http://127.0.0.1:4318/v1/metrics'

    Raises:
        ValueError: what is wrong; the sentence continues after the URL.
    """
    return _with_path(text, "/v1/metrics")


def token_variable(kind: str) -> str:
    """Return the environment variable that holds a receiver's token."""
    return f"PERF_OUT_{kind.upper()}_TOKEN"


def token_mistakes(kinds: Iterable[str], environment: Mapping[str, str]) -> Iterator[str]:
    """Name the variables whose values can't be a header, without showing the values."""
    names = [token_variable(kind) for kind in kinds]
    names += [OTEL_HEADERS] if "otel" in kinds else []
    for name in names:
        value = unquote(environment.get(name, "").strip())
        if not (value.isascii() and value.isprintable()):
            yield name


RECEIVERS: Final[Mapping[str, Callable[[str], str]]] = {
    "influxdb": influxdb_url,
    "prometheus": prometheus_url,
    "otel": otel_url,
}
"""The kinds of receivers, and how the URL of each is read."""


def read_out(text: str) -> tuple[str, str]:
    """Read `KIND=URL`, as `--out` takes it; the URL is checked with the profile.

    >>> read_out("otel=http://127.0.0.1:4318")
    ('otel', 'http://127.0.0.1:4318')

    Raises:
        ValueError: the text names no kind of receiver, or no URL.
    """
    kind, equals_sign, url = text.strip().partition("=")
    if kind not in RECEIVERS or not equals_sign or not url:
        # Anything but a plain word may be a URL with a password.
        shown_kind = repr(kind) if kind.isidentifier() and len(kind) < 40 else "it"
        raise ValueError(
            f"{shown_kind} is not a receiver; write KIND=URL, where KIND is one of "
            f"{', '.join(RECEIVERS)}"
        )
    return kind, url


def outs_of(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the receivers that PERF_OUT names, by kind.

    Raises:
        ValueError: a part of the variable does not describe a receiver.
    """
    parts = [part for part in environment.get(OUT_VARIABLE, "").split(",") if part.strip()]
    return dict(map(read_out, parts))


def _checked(kind: str) -> AfterValidator:
    def check(text: str) -> str:
        try:
            RECEIVERS[kind](text)
        except ValueError as error:
            shown = "the URL" if "@" in text else repr(text[:200])
            raise ValueError(f"{shown} {error}") from None
        return text

    return AfterValidator(check)


class OutConfig(Frozen):
    """Say where the figures of a run are sent while it is running; by default nowhere.

    Attributes:
        influxdb: the URL of an InfluxDB or VictoriaMetrics that takes line protocol, with the
            database.
        prometheus: the URL of a receiver of Prometheus' remote write; the default path is
            /api/v1/write.
        otel: the URL of a receiver of OTLP metrics over HTTP, such as an OpenTelemetry collector;
            the default path is /v1/metrics.
    """

    influxdb: Annotated[str, _checked("influxdb")] | None = None
    prometheus: Annotated[str, _checked("prometheus")] | None = None
    otel: Annotated[str, _checked("otel")] | None = None

    @property
    def urls(self) -> dict[str, str]:
        """Return the URL to post to by kind of receiver; empty if nothing is sent."""
        given = {kind: getattr(self, kind) for kind in RECEIVERS}
        return {kind: RECEIVERS[kind](url) for kind, url in given.items() if url}


def place_of(url: str) -> Place:
    """Return the place that a client of a URL connects to, to compare it with the allowed hosts.

    Raises:
        ValueError: its host is not valid; the sentence continues after the host.
    """
    return WebAddress.read(url).place


def _with_path(text: str, path: str) -> str:
    address = _read(text)
    if address.query:
        raise ValueError("has a query, which nobody would read; write http://HOST:PORT/PATH")
    return f"{address.root}{address.path if address.path != '/' else path}"


def _read(text: str) -> WebAddress:
    address = WebAddress.read(text)
    if address.has_userinfo or "@" in text:
        raise ValueError(
            "contains an @; credentials come from PERF_OUT_INFLUXDB_TOKEN, "
            "PERF_OUT_PROMETHEUS_TOKEN or PERF_OUT_OTEL_TOKEN"
        )
    if address.fragment or text != text.strip():
        raise ValueError("is not a plain URL; write it without blanks and #")
    address.place  # noqa: B018 - reading it reports an invalid host
    return address
