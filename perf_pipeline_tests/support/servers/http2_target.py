"""A programmable HTTP/2 server over TLS at the level of frames, in a thread with its own loop.

The first segment of the path says what happens: see http2_routes.py. Add here: what a test wants
to know about the requests that arrived. Keep out: routes.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, RequestReceived, StreamEnded
from h2.settings import SettingCodes

from perf_pipeline_tests.support.servers.http2_routes import ROUTES, Connection, Request
from perf_pipeline_tests.support.servers.serving_loops import serving_streams

# So small that most bodies have to wait for room (RFC 9113, 5.2).
WINDOW_BYTES: Final = 10_000


@dataclass(slots=True)
class Http2Target:
    """Serve `ROUTES` and remember every request.

    Attributes:
        port: on 127.0.0.1; the certificate's name is localhost.
        requests: in order of arrival.
        connections: how many were accepted.
    """

    port: int = 0
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def base_url(self) -> str:
        return f"https://localhost:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        h2 = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        connection = Connection(h2, reader, writer)
        h2.initiate_connection()
        h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: WINDOW_BYTES})
        connection.flush()
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            while data := await reader.read(65_536):
                for event in h2.receive_data(data):
                    self._take(connection, event)
                connection.flush()
        writer.close()

    def _take(self, connection: Connection, event: Any) -> None:
        match event:
            case RequestReceived():
                number = len(connection.requests) + 1
                request = Request(connection, event.stream_id, number, dict(event.headers))  # type: ignore[arg-type]  # header_encoding
                connection.requests[event.stream_id] = request
                self.requests.append(request)
                if request.path == "/early":
                    self._route(request)
            case DataReceived() if connection.requests[event.stream_id].path != "/early":
                connection.requests[event.stream_id].body += event.data
                connection.h2.acknowledge_received_data(
                    event.flow_controlled_length, event.stream_id
                )
            case StreamEnded():
                self._route(connection.requests[event.stream_id])

    def _route(self, request: Request) -> None:
        route = ROUTES[request.path.split("/")[1]]
        task = asyncio.get_running_loop().create_task(route(request))
        task.add_done_callback(self._tasks.discard)
        self._tasks.add(task)


@contextlib.contextmanager
def http2_target(tls: ssl.SSLContext) -> Iterator[Http2Target]:
    """Run a target in a thread until the block ends."""
    target = Http2Target()
    with serving_streams(target.serve, tls) as target.port:
        yield target
