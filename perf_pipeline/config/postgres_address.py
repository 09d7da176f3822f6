"""Read PostgreSQL's connection strings with libpq's own parser and everything that libpq adds.

Host, address and port come from the string, else from a service of pg_service.conf, else from the
environment (PGHOST, PGHOSTADDR, PGPORT). The result has them written out, so that neither the
environment nor a file can send a connection elsewhere afterwards.
Source: https://www.postgresql.org/docs/current/libpq-connect.html
Add here: another parameter of libpq that decides where a connection goes. Keep out: connecting.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import zip_longest
from types import MappingProxyType
from typing import Final
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from perf_pipeline.config.hosts import (
    LOCALHOST,
    Address,
    Place,
    bracketed,
    is_address,
    is_socket,
    read_host,
    read_port,
)
from perf_pipeline.config.postgres_encryption import require_password_of_key
from perf_pipeline.config.postgres_services import service_of

DEFAULT_PORT: Final = 5432
FORM: Final = (
    "postgresql://host:port/database, with user:password@ in front of the host if the server asks "
    "for a password; percent-encode @ : / ? in a password"
)
_HERE: Final = "127.0.0.1"
_VARIABLES: Final = MappingProxyType({"host": "PGHOST", "hostaddr": "PGHOSTADDR", "port": "PGPORT"})
_IN_FRONT: Final = frozenset({"host", "hostaddr", "port", "user", "password", "dbname", "service"})


@dataclass(frozen=True, slots=True)
class _TriedServer:
    """Hold a server that libpq would try: its name, its address and its port."""

    host: str
    hostaddr: str
    port: int


def read_dsn(dsn: str, environment: Mapping[str, str], loopback: tuple[str, ...]) -> Address:
    """Read a connection string in the form of a URI or of keywords.

    Args:
        dsn: the connection string, which is a secret.
        environment: the environment with libpq's own variables.
        loopback: the addresses that replace localhost; if there are none, libpq resolves the name.

    Raises:
        ValueError: libpq refuses the string, or it names no host; the sentence continues after the
            key and repeats nothing that could be part of a password.
    """
    given = _settings(dsn, environment)
    servers = tuple(_servers(given))
    if not any(server.host or server.hostaddr for server in servers):
        raise ValueError(f"names no host, so nobody can check where it leads; write {FORM}")
    pinned = tuple(pinned for server in servers for pinned in _pinned(server, loopback))
    places = [place for server in servers for place in _places(server)]
    return Address(_text(given, pinned), tuple(dict.fromkeys(places)))


def dsn_port_here(dsn: str) -> int | None:
    """Return the port of a server at 127.0.0.1 in a string of `read_dsn`; None for any other place.

    >>> dsn_port_here("postgresql://u@localhost:5432/d?hostaddr=127.0.0.1")
    5432
    >>> dsn_port_here("postgresql://u@db:5432/d?hostaddr=10.0.0.7")
    """
    parts = urlsplit(dsn)
    names = [name.rpartition(":") for name in parts.netloc.rpartition("@")[2].split(",")]
    addresses = dict(parse_qsl(parts.query)).get("hostaddr", "").split(",")
    is_here = {host for host, _, _ in names} <= {_HERE, LOCALHOST}
    ports = {port for _, _, port in names}
    if not is_here or len(ports) > 1 or not (_HERE in addresses or addresses == [""]):
        return None
    return int(ports.pop())


def dsn_place(dsn: str) -> Place | None:
    """Return the place that a string of `read_dsn` leads to; None for a socket or several servers.

    >>> dsn_place("postgresql://u@db:5432/d?hostaddr=10.0.0.7")
    Place(host='10.0.0.7', port=5432)
    >>> dsn_place("postgresql://u@db:5432,db2:5432/d?hostaddr=,")
    """
    port = dsn_port_here(dsn)
    if port is not None:
        return Place(_HERE, port)
    parts = urlsplit(dsn)
    name, _, port_text = parts.netloc.rpartition("@")[2].rpartition(":")
    address = dict(parse_qsl(parts.query)).get("hostaddr", "")
    if not name or "," in name + address:
        return None
    return Place(address or read_host(name), int(port_text))


def dsn_at_port(dsn: str, port: int) -> str:
    """Change a string of `read_dsn` to another port of 127.0.0.1, with the host's name unchanged.

    >>> dsn_at_port("postgresql://u@localhost:1,localhost:1/d?hostaddr=127.0.0.1,::1&a=b", 2)
    'postgresql://u@localhost:2/d?hostaddr=127.0.0.1&a=b'
    """
    parts = urlsplit(dsn)
    userinfo, at, names = parts.netloc.rpartition("@")
    host = names.partition(",")[0].rpartition(":")[0]
    query = {**dict(parse_qsl(parts.query, keep_blank_values=True)), "hostaddr": _HERE}
    where = f"{userinfo}{at}{host}:{port}{parts.path}"
    return f"postgresql://{where}?{urlencode(query, quote_via=quote, safe=',')}"


def _settings(dsn: str, environment: Mapping[str, str]) -> dict[str, str]:
    # psycopg takes 60 ms to import; only those who configure a PostgreSQL pay for it.
    from psycopg import Error  # noqa: PLC0415
    from psycopg.conninfo import conninfo_to_dict  # noqa: PLC0415

    try:
        given = {key: str(value) for key, value in conninfo_to_dict(dsn).items()}
    except (Error, UnicodeError, ValueError):
        raise ValueError(f"is not a connection string that libpq can read; write {FORM}") from None
    service = given.get("service", environment.get("PGSERVICE"))
    if service is not None:
        given = {**service_of(service, environment), **given}
    for key, variable in _VARIABLES.items():
        if variable in environment:
            given.setdefault(key, environment[variable])
    database = given.get("dbname", "")
    if "=" in database or "://" in database:
        raise ValueError(
            "has a second connection string in place of the database's name; write only the name"
        )
    if "oauth_issuer" in given:
        raise ValueError(
            "has an oauth_issuer, which is a second host and is not supported; leave it out"
        )
    require_password_of_key(given, environment)
    return given


def _servers(given: Mapping[str, str]) -> Iterator[_TriedServer]:
    hosts, addresses, ports = (
        given.get(key, "").split(",") if given.get(key) else [] for key in _VARIABLES
    )
    count = max(len(hosts), len(addresses), 1)
    if (hosts and addresses and len(hosts) != len(addresses)) or len(ports) not in {0, 1, count}:
        raise ValueError(
            f"names {len(hosts)} hosts, {len(addresses)} addresses (hostaddr) and {len(ports)} "
            "ports; give the same number of each, or one port for all"
        )
    ports = ports * count if len(ports) == 1 else ports
    for host, address, port in zip_longest(hosts, addresses, ports, fillvalue=""):
        yield _TriedServer(
            _host(host) if host else "",
            _address(address) if address else "",
            _port(port) if port else DEFAULT_PORT,
        )


def _host(text: str) -> str:
    try:
        return read_host(text)
    except ValueError as error:
        shown = "a host that" if "@" in text else f"the host {text[:100]!r}, which"
        raise ValueError(f"has {shown} {error}; write {FORM}") from None


def _address(text: str) -> str:
    address = _host(text)
    if not is_address(address):
        raise ValueError(f"has the hostaddr {text[:100]!r}, which is not an IP address")
    return address


def _port(text: str) -> int:
    try:
        return read_port(text)
    except ValueError as error:
        raise ValueError(f"{error}; write {FORM}") from None


def _places(server: _TriedServer) -> Iterator[Place]:
    """Return the places that connections to a server go to: its address, and its name."""
    if server.hostaddr:
        yield Place(server.hostaddr, server.port)
    if is_socket(server.host):
        if not server.hostaddr:
            yield Place(server.host)
    elif server.host:
        yield Place(server.host, server.port)


def _pinned(server: _TriedServer, loopback: tuple[str, ...]) -> tuple[_TriedServer, ...]:
    if server.hostaddr:
        return (server,)
    if server.host == LOCALHOST and loopback:
        return tuple(replace(server, hostaddr=address) for address in loopback)
    if is_address(server.host):
        return (replace(server, hostaddr=server.host),)
    return (server,)


def _text(given: Mapping[str, str], servers: tuple[_TriedServer, ...]) -> str:
    """Write a URI in which nothing about the place depends on the environment."""
    userinfo = quote(given.get("user", ""), safe="")
    if "password" in given:
        userinfo += f":{quote(given['password'], safe='')}"
    query = {"hostaddr": ",".join(server.hostaddr for server in servers)}
    if any(is_socket(server.host) or not server.host for server in servers):
        query["host"] = ",".join(server.host for server in servers)
        query["port"] = ",".join(str(server.port) for server in servers)
        where = ""
    else:
        where = ",".join(f"{bracketed(server.host)}:{server.port}" for server in servers)
    query |= {key: value for key, value in given.items() if key not in _IN_FRONT}
    front = f"{userinfo}@{where}" if userinfo else where
    database = quote(given.get("dbname", ""), safe="")
    return f"postgresql://{front}/{database}?{urlencode(query, quote_via=quote, safe=',')}"
