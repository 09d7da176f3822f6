"""Hold one end of a connection through a link: the bytes from it, and when they are passed on.

Add here: another thing that one end does with bytes. Keep out: what joins two ends, and the rules
of their link (link_connection.py).
"""

import asyncio
import socket
import struct
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from perf_pipeline.stack.link_connection import LinkConnection

_WAITING_BYTES: Final = 4 * 1024 * 1024  # of one direction, before its sender has to wait
_END: Final = b""


class LinkEnd(asyncio.Protocol):
    """Hold one end of a connection, and what came from it and waits to be passed on."""

    def __init__(self, connection: "LinkConnection", *, is_server: bool) -> None:
        self.plain: asyncio.Transport | None = None
        self.transport: asyncio.Transport | None = None
        self.is_lost = False
        self.has_ended = False
        self._connection = connection
        self._is_server = is_server
        self._waiting: deque[tuple[float, bytes]] = deque()
        self._waiting_bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        self._may_send = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin with what the rules of this moment say."""
        assert isinstance(transport, asyncio.Transport)
        self.plain = transport
        if self._connection.link.is_secured and not self._is_server:
            transport.pause_reading()  # what comes first belongs to TLS
        else:
            self.transport = transport
        if self._connection.link.rule.resets:
            self._connection.reset()
        elif not self._is_server:
            self._connection.begin()

    def data_received(self, data: bytes) -> None:
        """Pass bytes on, at once where nothing hinders them, and in their order."""
        link = self._connection.link
        target = self._connection.other(self).transport
        data = self._connection.seen(data, is_answer=self._is_server)
        if not data:
            return
        if link.rule.changes_nothing and target is not None and not self._waiting:
            target.write(data)
            return
        for piece in link.pace.pieces(data):
            self._let_wait(piece)
        self.pass_on()
        self._stop_or_go()

    def eof_received(self) -> bool:
        """Pass on that nothing more comes, after all that came; the other direction stays.

        It does not inside of TLS, which asyncio ends as a whole.
        """
        self._let_wait(_END)
        self.pass_on()
        return not self._connection.link.is_secured

    def connection_lost(self, exc: Exception | None) -> None:
        """Pass the end on, as a reset or in its turn."""
        self.is_lost = True
        if isinstance(exc, ConnectionError):
            self._connection.reset()
        elif self._connection.other(self).is_lost:
            self._connection.forget()
        else:
            self.eof_received()

    def pause_writing(self) -> None:
        """Let the other end wait, because this one takes no more."""
        self._connection.other(self).let_send(may_send=False)

    def resume_writing(self) -> None:
        """Let the other end go on."""
        self._connection.other(self).let_send(may_send=True)

    def let_send(self, *, may_send: bool) -> None:
        """Take no more from this end, or go on, as the other end takes what it gets."""
        self._may_send = may_send
        self._stop_or_go()

    def reset(self) -> None:
        """End this end at once, with RST, and forget what waits."""
        self._stop_timer()
        self._waiting.clear()
        transport = self.transport or self.plain
        if transport is not None and not self.is_lost:
            at_once = struct.pack("ii", 1, 0)
            end = transport.get_extra_info("socket")
            with suppress(OSError):  # closed in a handshake, whose end only TLS hears of
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
            transport.abort()

    def pass_on(self, *, all_is_due: bool = False) -> None:
        """Give the other end what is due, and come back when the next of it is."""
        self._stop_timer()
        target = self._connection.other(self).transport
        if target is None or self._connection.link.rule.is_cut:
            return
        loop = asyncio.get_running_loop()
        while self._waiting and (all_is_due or self._waiting[0][0] <= loop.time()):
            self._give(target, self._waiting.popleft()[1])
        if self._waiting:
            self._timer = loop.call_at(self._waiting[0][0], self.pass_on)
        self._stop_or_go()

    def _let_wait(self, piece: bytes) -> None:
        now = asyncio.get_running_loop().time()
        due = self._connection.link.pace.due(now, len(piece), is_answer=self._is_server)
        last = self._waiting[-1][0] if self._waiting else now
        self._waiting.append((max(due, last), piece))
        self._waiting_bytes += len(piece)

    def _give(self, target: asyncio.Transport, piece: bytes) -> None:
        self._waiting_bytes -= len(piece)
        self.has_ended = self.has_ended or not piece
        if target.is_closing():
            return
        if piece:
            target.write(piece)
        elif self.is_lost or self._connection.link.is_secured:
            target.close()
        elif self._connection.other(self).has_ended:
            self._connection.close()
        else:
            target.write_eof()

    def _stop_or_go(self) -> None:
        """Let this end wait while too much of it does, or while the other one takes no more."""
        if self.transport is None or self.transport.is_closing():
            return
        if self._may_send and self._waiting_bytes <= _WAITING_BYTES:
            self.transport.resume_reading()
        else:
            self.transport.pause_reading()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
