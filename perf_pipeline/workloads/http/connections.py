"""Choose the connection for the requests of a user's scenario, and check the target first.

Add here: another kind of connection, behind the same protocol. Keep out: the kinds themselves.
"""

from collections.abc import Callable
from typing import Protocol

from perf_pipeline.config.http_steps import OwnHttpParameters
from perf_pipeline.config.python_parameters import PythonParameters
from perf_pipeline.engine.machine_limits import MORE_LIMITS
from perf_pipeline.errors import (
    GeneratorLimitError,
    PerfPipelineError,
    ProfileError,
    TargetNotAllowedError,
    TargetUnavailableError,
)
from perf_pipeline.units import format_duration
from perf_pipeline.workloads.http.client import HttpConnection
from perf_pipeline.workloads.http.origin import HttpOrigin
from perf_pipeline.workloads.http.parameters import OwnHttpSettings
from perf_pipeline.workloads.http.result import HttpError, HttpResult


class Connection(Protocol):
    """Carry one request at a time; `HttpConnection` says what each member means."""

    @property
    def started_ns(self) -> int:
        """Return the start of the latest request, also of one that was cancelled."""
        ...

    @property
    def bytes_out(self) -> int:
        """Return the bytes of the latest request, also of one that was cancelled."""
        ...

    async def send(self, data: bytes, *, timeout_us: int, is_head: bool = False) -> HttpResult:
        """Send a request as it is and return what came of it."""
        ...

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        ...


def connection_maker(
    settings: OwnHttpSettings, parameters: OwnHttpParameters
) -> Callable[[], Connection]:
    """Return the function that makes a connection of the kind that the scenario asks for.

    Raises:
        ProfileError: HTTP/2 to a target without TLS.
    """
    if isinstance(parameters, PythonParameters) and parameters.transport == "httpx":
        _expect_tls(settings, parameters)
        # httpx's transport takes long to import, so only scenarios that use it do.
        from perf_pipeline.workloads.http.over_httpx import HttpxConnection  # noqa: PLC0415

        return lambda: HttpxConnection(
            settings.origin,
            settings.tls,
            http2=parameters.http2,
            max_body_bytes=parameters.kept_body_bytes,
        )
    return load_connection_maker(settings, parameters)


def _expect_tls(settings: OwnHttpSettings, parameters: OwnHttpParameters) -> None:
    if parameters.http2 and not settings.origin.is_tls:
        sentence = f"http2 needs a target with https, but {settings.origin} has none"
        raise ProfileError("of the run", [sentence])


async def connect_first(settings: OwnHttpSettings, parameters: OwnHttpParameters) -> None:
    """See whether the target accepts a connection, and speaks the HTTP that is asked for.

    Raises:
        TargetUnavailableError: it does not; says what was tried.
        TargetNotAllowedError: its name is this machine's, and leads elsewhere.
        GeneratorLimitError: this machine could not even try.
    """
    origin = settings.origin
    first = load_connection_maker(settings, parameters)()
    error = await first.connect(timeout_us=parameters.timeout_us)
    first.close()
    if error == HttpError.NOT_HTTP2:
        raise TargetUnavailableError(
            f"{origin} does not speak HTTP/2: in the TLS handshake it was offered h2 and "
            "http/1.1, and did not choose h2",
            hint="leave http2 out of the scenario to load the target over HTTP/1.1",
        )
    if error:
        raise no_connection(origin, error, parameters.timeout_us)


def no_connection(origin: HttpOrigin, error: str, timeout_us: int) -> PerfPipelineError:
    """Return the error of a target that a first look could not connect to, or of this machine."""
    if error == HttpError.GENERATOR:
        return GeneratorLimitError(
            f"this machine has no free port or file descriptor for a connection to {origin}",
            hint=MORE_LIMITS,
        )
    if error == HttpError.NOT_ALLOWED:
        return TargetNotAllowedError(
            f"{origin.host} leads to another machine here, which is not an allowed host; nothing "
            "was sent",
            hint="correct /etc/hosts, or add the name to PERF_ALLOWED_HOSTS",
        )
    if error == HttpError.NOT_TLS:
        return TargetUnavailableError(
            f"{origin} answers a TLS handshake in plain text, because the target speaks plain "
            "HTTP there",
            hint="use http:// in the target's base_url",
        )
    waited = format_duration(timeout_us)
    return TargetUnavailableError(
        f"{origin} accepts no connection: {error} (tried for up to {waited})",
        hint="start the target, or set the target's base_url",
    )


def load_connection_maker(
    settings: OwnHttpSettings, parameters: OwnHttpParameters
) -> Callable[[], HttpConnection]:
    """Return the function that makes a connection of the load transport.

    Raises:
        ProfileError: HTTP/2 to a target without TLS.
    """
    _expect_tls(settings, parameters)
    if not parameters.http2:
        return lambda: HttpConnection(
            settings.origin, tls=settings.tls, max_body_bytes=parameters.kept_body_bytes
        )
    # h2 and hpack take 50 ms to import, so only scenarios that use them do.
    from perf_pipeline.workloads.http.http2 import Http2Wire  # noqa: PLC0415

    return lambda: HttpConnection(
        settings.origin,
        tls=settings.tls,
        max_body_bytes=parameters.kept_body_bytes,
        make_wire=Http2Wire,
    )
