"""Connect to a Redis through a proxy on this machine.

Its URL stays what it is, so that a certificate is checked for the server's name.
Add here: nothing. Keep out: when there is a proxy (loading/), and commands (read_through.py).
"""

from typing import Any, Final

from redis.asyncio.connection import AbstractConnection

LOOPBACK: Final = "127.0.0.1"


def through_proxy(kind: type[AbstractConnection], port: int) -> type[AbstractConnection]:
    """Return a kind of connection that goes to a port of this machine.

    It overrides a private method of redis-py, which gives asyncio where to connect.

    Args:
        kind: with TLS or without, to the server itself.
        port: the port of the proxy.
    """

    class _Proxied(kind):  # type: ignore[misc, valid-type]  # mypy knows no base that is a value
        def _connection_arguments(self) -> dict[str, Any]:
            given: dict[str, Any] = {**super()._connection_arguments()}
            named = {"server_hostname": self.host} if "ssl" in given else {}
            return {**given, "host": LOOPBACK, "port": port, **named}

    return _Proxied
