"""Hold one link between two parts of a system: its rules, and the connections that follow them.

It passes TCP on and speaks no protocol, except for the addresses in brokers' answers, and for TLS,
inside which these stand.
Add here: how another rule ends or holds up connections. Keep out: what rules are (link_rule.py),
how slowly they let bytes through (link_pace.py), who gives them (link_proxy.py), what each end does
with bytes (link_end.py), how the server is reached (link_server.py), what brokers answer
(link_brokers.py), and imports of clients; the proxy stands beside a measurement.
"""

import asyncio
import ssl

from perf_pipeline.stack.link_brokers import ToldAnswers
from perf_pipeline.stack.link_end import LinkEnd
from perf_pipeline.stack.link_pace import LinkPace
from perf_pipeline.stack.link_rule import LinkRule, joined
from perf_pipeline.stack.link_server import LinkedServer
from perf_pipeline.stack.told_ports import HERE, ToldPorts


class ProxiedLink:
    """Keep the rules of one link, and its connections.

    Args:
        upstream: port of the server.
        host: the host of the server.
        told: the places of brokers that its clients get; None leaves answers as they are.
        tls: with clients, and with the server; None passes on bytes as they are.
        spreads: connections go to all addresses of the host in turn.
    """

    def __init__(
        self,
        upstream: int,
        host: str = HERE,
        told: ToldPorts | None = None,
        tls: tuple[ssl.SSLContext, ssl.SSLContext] | None = None,
        *,
        spreads: bool = False,
    ) -> None:
        self.upstream = upstream
        self.server = LinkedServer(host, upstream, None if tls is None else tls[1], spreads=spreads)
        self.told = told
        self._for_clients = None if tls is None else tls[0]
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
        """Say whether TLS ends here and begins again towards the server."""
        return self._for_clients is not None

    async def secure(self, end: LinkEnd) -> None:
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

    def other(self, end: LinkEnd) -> LinkEnd:
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
            await self.link.server.reach(self.answers)
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
