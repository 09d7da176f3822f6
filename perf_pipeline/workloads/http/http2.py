"""One connection that speaks HTTP/2, with one stream at a time (RFC 9113), on the library h2.

Requests come as HTTP/1.1 writes them, so that whoever makes them need not know the version.
Add here: what a frame means for the exchange under way. Keep out: stamps and deadlines
(wire.py), HTTP/2's own rules (h2).
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from time import monotonic_ns
from types import MappingProxyType
from typing import Any, Final

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    InformationalResponseReceived,
    RemoteSettingsChanged,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    WindowUpdated,
)
from h2.exceptions import (
    DenialOfServiceError,
    FrameTooLargeError,
    InvalidBodyLengthError,
    ProtocolError,
)
from h2.settings import SettingCodes, Settings
from hyperframe.exceptions import InvalidPaddingError
from hyperframe.frame import GoAwayFrame

from perf_pipeline.workloads.http.answer_takers import AnswerTaker
from perf_pipeline.workloads.http.result import HttpError
from perf_pipeline.workloads.http.wire import MAX_HEAD_BYTES, Wire, shown

ALPN: Final = "h2"
_CONFIG: Final = H2Configuration(
    client_side=True,
    header_encoding=None,
    validate_outbound_headers=False,  # written by us, in small letters and without what is banned
    normalize_outbound_headers=False,
)
# A response up to the wire's limit never waits for us to make room.
_STREAM_WINDOW_BYTES: Final = 16 * 1024 * 1024
_CONNECTION_WINDOW_BYTES: Final = 64 * 1024 * 1024
_FIRST_WINDOW_BYTES: Final = 65_535  # RFC 9113, 6.9.2
# About one connection, which HTTP/2 has no words for (RFC 9113, 8.2.2); Host is :authority.
_OF_ONE_CONNECTION: Final = frozenset(
    {b"host", b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade"}
)
_NOTHING: Final = memoryview(b"")
_COLON: Final = ord(":")
_STATUS_DIGITS: Final = 3
_MOST_TOLD: Final = 120  # characters of what h2 says


class _Connection(H2Connection):
    """Act as h2's connection with our settings, and take its frames one by one.

    h2 4.4 forgets what came before a bad frame in one read, waits for the end of a frame that is
    too long, and takes every frame after a GOAWAY for a mistake, where RFC 9113, 6.8 has the open
    streams answered and nginx does so. test_http2_faults notices an h2 that needs something else.
    """

    DEFAULT_MAX_HEADER_LIST_SIZE = MAX_HEAD_BYTES

    def __init__(self) -> None:
        super().__init__(_CONFIG)
        self.local_settings = Settings(
            client=True,
            initial_values={
                SettingCodes.ENABLE_PUSH: 0,
                SettingCodes.INITIAL_WINDOW_SIZE: _STREAM_WINDOW_BYTES,
                SettingCodes.MAX_HEADER_LIST_SIZE: MAX_HEAD_BYTES,
            },
        )

    def events(self, data: bytes) -> Iterator[Event]:
        """Return what each frame means as it is taken.

        Raises:
            ProtocolError: the server broke a rule.
        """
        buffer = self.incoming_buffer
        buffer.add_data(data)
        buffer.max_frame_size = self.max_inbound_frame_size
        for frame in buffer:
            if type(frame) is GoAwayFrame:
                leave = ConnectionTerminated()
                leave.error_code, leave.last_stream_id = frame.error_code, frame.last_stream_id
                yield leave
            else:
                yield from self._receive_frame(frame)
        length = buffer._data[:3]  # noqa: SLF001 - see above
        if len(length) == 3 and int.from_bytes(length, "big") > self.max_inbound_frame_size:
            raise FrameTooLargeError


class Http2Wire(Wire):
    """Exchange requests and responses as HTTP/2 writes them.

    Bytes are those of its frames, their heads included and headers as they are compressed.
    """

    __slots__ = ("_h2", "_is_leaving", "_left", "_stream")

    def __init__(self, loop: asyncio.AbstractEventLoop, max_body_bytes: int) -> None:
        super().__init__(loop, max_body_bytes)
        self._h2 = _Connection()
        self._stream = 0
        self._left = _NOTHING  # of the request's body: it waits for room in the server's window
        self._is_leaving = False  # the server takes no further request on this connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet the server, if it chose HTTP/2 in the TLS handshake."""
        super().connection_made(transport)
        assert self._transport is not None
        tls = transport.get_extra_info("ssl_object")
        if tls.selected_alpn_protocol() != ALPN:
            self.fault = HttpError.NOT_HTTP2
            self._shut()
            return
        # TLS pauses at the limit, not above it: at 0 also when nothing waits.
        self._transport.set_write_buffer_limits(high=1)
        self._write = self._write_request  # type: ignore[assignment]  # takes bytes alone
        self._h2.initiate_connection()
        self._h2.increment_flow_control_window(_CONNECTION_WINDOW_BYTES - _FIRST_WINDOW_BYTES)
        self._flush()

    def _flush(self) -> int:
        """Write what h2 has ready; return its bytes."""
        data = self._h2.data_to_send()
        if data and self._transport is not None:
            self._transport.write(data)
        return len(data)

    # -- the request

    def _write_request(self, data: bytes) -> None:
        head, _, body = data.partition(b"\r\n\r\n")
        self._stream = self._h2.get_next_available_stream_id()
        self.bytes_out, self._left = 0, memoryview(body)
        try:
            self._h2.send_headers(self._stream, _headers(head), end_stream=not body)
        except ProtocolError:
            self._received_ns = monotonic_ns()
            self._fail(HttpError.PROTOCOL)
            return
        self._write_body()

    def _write_body(self) -> None:
        """Write what is left of the body, as far as the server's window goes."""
        h2, stream = self._h2, self._stream
        while self._left:
            room = min(h2.local_flow_control_window(stream), h2.max_outbound_frame_size)
            if room <= 0:
                break
            part, self._left = self._left[:room], self._left[room:]
            h2.send_data(stream, part, end_stream=not self._left)
        self.bytes_out += self._flush()

    def post(self, taker: AnswerTaker, data: bytes, is_head_request: bool, timeout_ns: int) -> None:
        """Write a request as `Wire.post` does; `written_ns` comes with the body's last byte."""
        super().post(taker, data, is_head_request, timeout_ns)
        if self._left:
            self.written_ns = 0

    def resume_writing(self) -> None:
        """Stamp the last byte of a request that had to wait."""
        super().resume_writing()
        if self._left:
            self.written_ns = 0

    def _write_on(self, _: Event) -> None:
        """Go on with a body that waited for room."""
        if self._left and self._taker is not None:
            self._write_body()
            if not self._left and not self._is_paused:
                self.written_ns = monotonic_ns()

    # -- the response

    def data_received(self, data: bytes) -> None:
        """Stamp the bytes, then see what their frames mean; between requests h2 answers them."""
        self._received_ns = monotonic_ns()
        if self._taker is not None:
            self.bytes_in += len(data)
        try:
            for event in self._h2.events(data):
                meaning = _MEANINGS.get(type(event))
                if meaning is not None:
                    meaning(self, event)
        except InvalidBodyLengthError:
            self._fail(HttpError.TRUNCATED)
        except DenialOfServiceError:
            self._fail(HttpError.TOO_LARGE)
        except (ProtocolError, InvalidPaddingError) as error:
            is_http1 = data.startswith(b"HTTP/1")
            self._fail(HttpError.PROTOCOL, shown(data) if is_http1 else str(error)[:_MOST_TOLD])
        else:
            self._flush()
            if self._is_leaving and self._taker is None:
                self._shut()

    def _is_ours(self, event: Any) -> bool:
        """Say whether a frame is the exchange's, and stamp the first one."""
        if self._taker is None or event.stream_id != self._stream:
            return False
        self.first_byte_ns = self.first_byte_ns or self._received_ns
        return True

    def _note_interim(self, event: Event) -> None:
        self._is_ours(event)

    def _take_head(self, event: ResponseReceived) -> None:
        if self._is_ours(event):
            pairs = [(bytes(name), bytes(value)) for name, value in event.headers or ()]
            status = dict(pairs).get(b":status", b"")
            if len(status) != _STATUS_DIGITS or not status.isdigit():
                raise ProtocolError(f":status is {shown(status)}")
            self.status = int(status)
            self.headers = [pair for pair in pairs if pair[0][0] != _COLON]
            self._has_head = True

    def _take_part(self, event: DataReceived) -> None:
        self._h2.acknowledge_received_data(event.flow_controlled_length or 0, event.stream_id or 0)
        if self._is_ours(event):
            self.on_body(event.data or b"")

    def _end(self, event: StreamEnded) -> None:
        if not self._is_ours(event):
            return
        if self._left:  # answered before all was sent: nobody waits for the rest
            self._left = _NOTHING
            self._h2.reset_stream(self._stream)
        self._finish("")

    def _take_reset(self, event: StreamReset) -> None:
        """End the exchange alone: the connection serves the next one."""
        if event.remote_reset and self._is_ours(event):
            self._left = _NOTHING
            self._finish(HttpError.RESET)

    def _take_leave(self, event: ConnectionTerminated) -> None:
        """Open no further stream here; one that the server has not looked at is over."""
        self._is_leaving = True
        if self._taker is not None and self._stream > (event.last_stream_id or 0):
            self._fail(HttpError.CLOSED)


_Meaning = Callable[[Http2Wire, Any], None]
_MEANINGS: Final[Mapping[type[Event], _Meaning]] = MappingProxyType(
    {
        InformationalResponseReceived: Http2Wire._note_interim,  # noqa: SLF001 - a table of its own
        ResponseReceived: Http2Wire._take_head,  # noqa: SLF001
        DataReceived: Http2Wire._take_part,  # noqa: SLF001
        StreamEnded: Http2Wire._end,  # noqa: SLF001
        StreamReset: Http2Wire._take_reset,  # noqa: SLF001
        WindowUpdated: Http2Wire._write_on,  # noqa: SLF001
        RemoteSettingsChanged: Http2Wire._write_on,  # noqa: SLF001
        ConnectionTerminated: Http2Wire._take_leave,  # noqa: SLF001
    }
)


@lru_cache(maxsize=1_024)
def _headers(head: bytes) -> tuple[tuple[bytes, bytes], ...]:
    """Write a request's head as HTTP/2 has it (RFC 9113, 8.3.1)."""
    line, *lines = head.split(b"\r\n")
    method, target, _ = line.split(b" ")
    pairs = [
        (name.lower(), value.strip())
        for name, _, value in (header.partition(b":") for header in lines)
    ]
    return (
        (b":method", method),
        (b":scheme", b"https"),
        (b":authority", dict(pairs)[b"host"]),
        (b":path", target),
        *(pair for pair in pairs if pair[0] not in _OF_ONE_CONNECTION),
    )
