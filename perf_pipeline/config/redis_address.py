"""Read URLs of Redis with redis-py's own parser.

Add here: another parameter of a URL. Keep out: connecting.
"""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from perf_pipeline.config.hosts import LOCALHOST, Address, Place, bracketed, read_host

DEFAULT_PORT: Final = 6379
FORM: Final = (
    "redis://host:port/0, with user:password@ in front of the host if the server asks for a "
    "password; percent-encode @ : / ? in a password"
)
# Other parameters that redis-py takes from a URL name another place (host, port, path,
# connection_class, unix_socket_path ...), are not texts, or end in a TypeError.
_QUERY: Final = frozenset(
    {"client_name", "health_check_interval", "max_connections", "protocol", "socket_keepalive"}
    | {"socket_timeout", "socket_connect_timeout", "socket_read_size", "retry_on_timeout"}
    | {"ssl_ca_certs", "ssl_ca_path", "ssl_ca_data", "ssl_certfile", "ssl_keyfile"}
    | {"ssl_cert_reqs", "ssl_check_hostname", "ssl_min_version", "ssl_ciphers", "ssl_password"}
)
_READ: Final = frozenset({"username", "password", "host", "port", "path", "db", "connection_class"})


def read_redis_url(url: str, loopback: tuple[str, ...]) -> Address:
    """Read a URL that begins with `redis://`, `rediss://` or `unix://`.

    Args:
        url: the URL, which is a secret.
        loopback: the addresses of localhost, the first of which is connected to; if there are none,
            the client resolves the name.

    Raises:
        ValueError: redis-py refuses the URL, or it names no host; the sentence continues after the
            key and repeats nothing that could be part of a password.
    """
    given, written = _parsed(url)
    kept = {key: written[key] for key in sorted(set(given) - _READ)}
    wrong = [key for key in written if key not in _QUERY | {"db", "username", "password"}]
    if wrong:
        raise ValueError(
            f"has {wrong[0][:50]!r} behind the ?, which is not supported; write {FORM}"
        )
    userinfo = _userinfo(given)
    if url.startswith("unix://"):
        path = str(given.get("path", ""))
        if not path.startswith("/"):
            raise ValueError("names no socket; write unix:///path/of/the.sock")
        kept["db"] = str(given.get("db", 0))
        return Address(f"unix://{userinfo}{quote(path)}?{_query(kept)}", (Place(path),))
    place = Place(_host(given), int(given.get("port", DEFAULT_PORT)))
    host = loopback[0] if place.host == LOCALHOST and loopback else place.host
    text = f"{url.partition(':')[0]}://{userinfo}{bracketed(host)}:{place.port}"
    return Address(f"{text}/{given.get('db', 0)}{f'?{_query(kept)}' if kept else ''}", (place,))


def redis_port_here(url: str) -> int | None:
    """Return the port of a server at 127.0.0.1 or localhost; None for any other place.

    >>> redis_port_here("redis://:secret@127.0.0.1:6379/0")
    6379
    >>> redis_port_here("redis://cache:6379/0")
    """
    parts = urlsplit(url)
    return parts.port if parts.hostname in {"127.0.0.1", LOCALHOST} else None


def redis_place(url: str) -> Place | None:
    """Return the place that a URL of `read_redis_url` leads to; None for a socket.

    >>> redis_place("rediss://:secret@cache.example:6380/0")
    Place(host='cache.example', port=6380)
    >>> redis_place("unix:///run/redis.sock?db=0")
    """
    parts = urlsplit(url)
    return None if parts.scheme == "unix" else Place(read_host(parts.hostname or ""), parts.port)


def redis_at_port(url: str, port: int) -> str:
    """Change a URL of `read_redis_url` to another port of the same host.

    >>> redis_at_port("rediss://:secret@localhost:6379/0?protocol=3", 7)
    'rediss://:secret@localhost:7/0?protocol=3'
    """
    parts = urlsplit(url)
    return parts._replace(netloc=f"{parts.netloc.rpartition(':')[0]}:{port}").geturl()


def _parsed(url: str) -> tuple[Mapping[str, Any], Mapping[str, str]]:
    """Return what redis-py reads from a URL, and the query as it was written."""
    # redis-py takes 100 ms to import; only those who configure a Redis pay for it.
    from redis.connection import parse_url  # noqa: PLC0415

    try:
        given = parse_url(url)  # type: ignore[no-untyped-call]  # redis-py has no types there
        parts = urlsplit(url)
        is_right = parts.port != 0 and not parts.fragment
        database = parts.path.strip("/")
    except ValueError:
        raise ValueError(f"is not a URL that redis-py can read; write {FORM}") from None
    if not is_right or (parts.scheme != "unix" and database and not database.isdecimal()):
        raise ValueError(f"has a port or a database that is not a number; write {FORM}")
    return given, dict(parse_qsl(parts.query, keep_blank_values=True))


def _host(given: Mapping[str, Any]) -> str:
    host = str(given.get("host", ""))
    if not host:
        raise ValueError(f"names no host; write {FORM}")
    try:
        return read_host(host)
    except ValueError as error:
        raise ValueError(f"has a host that {error}; write {FORM}") from None


def _userinfo(given: Mapping[str, Any]) -> str:
    user, password = (quote(str(given.get(key, "")), safe="") for key in ("username", "password"))
    return f"{user}:{password}@" if password else f"{user}@" if user else ""


def _query(kept: Mapping[str, str]) -> str:
    return urlencode(kept, quote_via=quote)
