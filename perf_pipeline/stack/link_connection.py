"""One link between two parts of a system: its rules, and the connections that keep them.

It speaks no protocol: what it passes on is TCP, but for the addresses in what brokers answer, and
for TLS, inside of which these stand.
Add here: how another rule ends or holds up connections. Keep out: what rules are (link_rule.py),
how slowly they let bytes through (link_pace.py), who gives them (link_proxy.py), what brokers
answer (link_brokers.py), and imports of clients; the proxy stands beside a measurement.
"""

import asyncio
import socket
import ssl
import struct
from collections import deque
from contextlib import suppress
from typing import Final

from perf_pipeline.stack.link_addresses import ServerAddresses
from perf_pipeline.stack.link_brokers import ToldAnswers
from perf_pipeline.stack.link_pace import LinkPace
from perf_pipeline.stack.link_rule import LinkRule, joined
from perf_pipeline.stack.told_ports import HERE, ToldPorts, spelled

HOST: Final = HERE
_WAITING_BYTES: Final = 4 * 1024 * 1024  # of one direction, before its sender has to wait
_END: Final = b""
_SHARE_S: Final = 2.0  # of an address that keeps silent where there are others, as Go's at least


class ProxiedLink:
    """Keep the rules of one link, and its connections.

    Args:
        upstream: port of the server.
        host: of the server.
        told: what its clients are told of where brokers are; None leaves answers as they are.
        tls: with clients, and with the server; None passes on bytes as they are.
        spreads: connections go to all addresses of the host in turn.
    """

    def __init__(
        self,
        upstream: int,
        host: str = HOST,
        told: ToldPorts | None = None,
        tls: tuple[ssl.SSLContext, ssl.SSLContext] | None = None,
        *,
        spreads: bool = False,
    ) -> None:
        self.upstream, self._host = upstream, host
        self._addresses = ServerAddresses(spelled(host), upstream, spreads=spreads)
        self.told = told
        self._for_clients = None if tls is None else tls[0]
        self._for_server = None if tls is None else tls[1]
        self.pace = LinkPace(upstream)
        self.connections: set[LinkConnection] = set()
        self.is_whole = asyncio.Event()
        self.is_whole.set()
        self._rules: dict[object, LinkRule] = {}

    @property
    def rule(self) -> LinkRule:
        """Return what holds now: all rules together."""
        return self.pace.rule

    @property
    def is_secured(self) -> bool:
        """Say whether TLS is ended here, and spoken anew."""
        return self._for_clients is not None

    async def reach(self, end: "LinkEnd") -> None:
        """Connect an end to the server, whose certificate is checked for the host as it is told.

        Raises:
            OSError: it does not answer, or not in TLS, or with a certificate that is not trusted.
        """
        loop, name = asyncio.get_running_loop(), self._host if self.is_secured else None
        refused = OSError(f"{self._host} has no address")
        addresses = await self._addresses.in_turn()
        for at, address in enumerate(addresses, 1):
            try:
                async with asyncio.timeout(_SHARE_S if at < len(addresses) else None):
                    await loop.create_connection(
                        lambda: end, *address, ssl=self._for_server, server_hostname=name
                    )
            except OSError as error:
                refused = error
            else:
                return
        raise refused

    async def secure(self, end: "LinkEnd") -> None:
        """Let an end speak TLS with its client, whose handshake takes an answer's way.

        Raises:
            OSError: the client does not speak TLS, or does not trust this proxy.
        """
        loop, plain = asyncio.get_running_loop(), end.plain
        if self._for_clients is None or plain is None:
            return
        await asyncio.sleep(self.pace.due(loop.time(), 0, is_answer=True) - loop.time())
        secured = await loop.start_tls(plain, end, self._for_clients, server_side=True)
        assert secured is not None
        end.transport = secured

    def begin(self, holder: object, rule: LinkRule) -> None:
        """Let a rule hold until its holder ends it."""
        self._rules[holder] = rule
        self._apply()

    def end(self, holder: object) -> None:
        """Let a rule hold no longer; what waited for its end goes on."""
        self._rules.pop(holder, None)
        self._apply()

    def _apply(self) -> None:
        """Go by the rules of now; what waits keeps its time, unless the link is wider now."""
        is_wider = self.pace.go_by(joined(self._rules.values()))
        if self.rule.is_cut:
            self.is_whole.clear()
        else:
            self.is_whole.set()
        for connection in tuple(self.connections):
            if self.rule.resets:
                connection.reset()
            else:
                connection.go_on(all_is_due=is_wider)


class LinkConnection:
    """Join the two ends of one connection."""

    def __init__(self, link: ProxiedLink) -> None:
        self.link = link
        self.asks = LinkEnd(self, is_server=False)
        self.answers = LinkEnd(self, is_server=True)
        self._connecting: asyncio.Task[None] | None = None
        self._told = None if link.told is None else ToldAnswers(link.told)
        link.connections.add(self)

    def other(self, end: "LinkEnd") -> "LinkEnd":
        """Return the end that faces an end."""
        return self.asks if end is self.answers else self.answers

    def seen(self, data: bytes, *, is_answer: bool) -> bytes:
        """Return what the other end is to get of what came; of a broker's answer perhaps later."""
        if self._told is None:
            return data
        if is_answer:
            return self._told.answered(data)
        self._told.asked(data)
        return data

    def begin(self) -> None:
        """Reach for the server, now that a client is there."""
        self._connecting = asyncio.ensure_future(self._connect())

    async def _connect(self) -> None:
        """Reach the server, not before a cut is over."""
        await self.link.is_whole.wait()
        try:
            await self.link.reach(self.answers)
            await self.link.secure(self.asks)
        except OSError:
            self.reset()
        else:
            self.go_on()

    def go_on(self, *, all_is_due: bool = False) -> None:
        """Pass on in both directions what is due, or all that waits."""
        for end in (self.asks, self.answers):
            end.pass_on(all_is_due=all_is_due)

    def reset(self) -> None:
        """End both ends as a router does that has forgotten them: with RST."""
        try:
            for end in (self.asks, self.answers):
                end.reset()
        finally:
            self.forget()

    def close(self) -> None:
        """Close both ends once they have sent what they were given; asyncio leaves them open."""
        for end in (self.asks, self.answers):
            if end.transport is not None:
                end.transport.close()

    def forget(self) -> None:
        """Leave the link, once neither end is there any more."""
        if self._connecting is not None:
            self._connecting.cancel()
        self.link.connections.discard(self)


class LinkEnd(asyncio.Protocol):
    """Hold one end of a connection, and what came from it and waits to be passed on."""

    def __init__(self, connection: LinkConnection, *, is_server: bool) -> None:
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
