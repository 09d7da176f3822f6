"""Decide whether a target may be loaded: it is on this machine, or somebody allowed it by name.

The result is not the text that was written but what its parser read, with every default written
out. All clients connect with that.
Add here: another way to allow a host. Keep out: how an address is read (a module for each kind).
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from perf_pipeline.config.allowed import AllowedHosts
from perf_pipeline.config.hosts import (
    LOCALHOST,
    Place,
    loopback_addresses,
    read_host,
)
from perf_pipeline.config.target import Target, allowed_hosts, read_addresses
from perf_pipeline.config.web_address import WebAddress
from perf_pipeline.errors import TargetNotAllowedError
from perf_pipeline.secrecy.known import KNOWN

NOBODY: Final = AllowedHosts()
_HINT: Final = (
    "if you may load this host, add it to allowed = [...] in [targets.{name}], or to the "
    "environment variable PERF_ALLOWED_HOSTS"
)
_ASK_HINT: Final = "if you may ask it, add it to allowed of the target, or to PERF_ALLOWED_HOSTS"


def check_target(target: Target) -> Target:
    """Refuse a target with a host that is neither loopback nor allowed; return the target as read.

    Raises:
        TargetNotAllowedError: some hosts are not allowed; the message names all of them, and the
            key to set.
        AddressError: an address cannot be read or names no host, or an entry of the allowed hosts
            is not a host.
    """
    allowed = allowed_hosts(target)
    addresses = read_addresses(target)
    refused = [
        f"{place.host} {target.place_of(part)}"
        for part, address in addresses.items()
        for place in address.places
        if not allowed.permits(place)
    ]
    if refused:
        shown = ", ".join(dict.fromkeys(refused))
        raise TargetNotAllowedError(
            f"target {target.name}: {shown} is neither this machine nor an allowed host; nothing "
            "was sent",
            hint=_HINT.format(name=target.name),
        )
    if any(place.host == LOCALHOST for read in addresses.values() for place in read.places):
        addresses = read_addresses(target, require_loopback(allowed))
    read = {part: address.text for part, address in addresses.items()}
    # In these addresses, passwords are spelled differently from the text that was written.
    KNOWN.add_address(read.get("postgres_dsn"))
    KNOWN.add_address(read.get("redis_url"))
    return replace(
        target,
        base_url=read.get("base_url"),
        postgres_dsn=read.get("postgres_dsn"),
        brokers=read.get("brokers"),
        redis_url=read.get("redis_url"),
    )


def require_loopback(allowed: AllowedHosts = NOBODY) -> tuple[str, ...]:
    """Return the addresses of localhost; none if the name itself is allowed, wherever it leads.

    Raises:
        TargetNotAllowedError: localhost leads to another machine, e.g. because of /etc/hosts.
    """
    if allowed.has(Place(LOCALHOST)):
        return ()
    try:
        return loopback_addresses()
    except ValueError as error:
        raise TargetNotAllowedError(
            f"localhost {error}; nothing was sent",
            hint="correct /etc/hosts, or add localhost to PERF_ALLOWED_HOSTS",
        ) from None


def require_allowed(place: Place, allowed: AllowedHosts, named: str, hint: str = _ASK_HINT) -> None:
    """Refuse a place outside the target that is neither on this machine nor allowed.

    Args:
        place: the place that would be asked.
        allowed: hosts that the target allows.
        named: the beginning of the sentence: what the place is, with its host.
        hint: the end of the sentence: how to allow it.

    Raises:
        TargetNotAllowedError: the place is not allowed, or it is localhost, which leads to another
            machine; nothing was sent.
    """
    if not _may_be_asked(place, allowed):
        raise TargetNotAllowedError(
            f"{named} is neither this machine nor an allowed host; nothing was sent", hint=hint
        )


def _may_be_asked(place: Place, allowed: AllowedHosts) -> bool:
    if place.host == LOCALHOST and not allowed.has(place):
        require_loopback()
    return allowed.permits(place)


def found_addresses(target: Target) -> tuple[str, ...]:
    """Return the checked addresses of the API's host if that is localhost; else none.

    Raises:
        TargetNotAllowedError: localhost leads to another machine.
    """
    is_localhost = WebAddress.read_base(target.base_url or "").host == LOCALHOST
    return require_loopback(allowed_hosts(target)) if is_localhost else ()


def require_allowed_brokers(
    brokers: str, advertised: Iterable[tuple[str, int | None]], allowed: AllowedHosts
) -> None:
    """Refuse a cluster whose brokers advertise a listener that may not be loaded.

    Clients only ask bootstrap servers where the brokers are, and then connect to the brokers.

    Args:
        brokers: the bootstrap servers that were asked.
        advertised: host and port of each broker in the metadata.
        allowed: hosts that the target allows.

    Raises:
        TargetNotAllowedError: some listeners are not allowed; the message names all of them.
    """
    refused = [
        f"{host}:{port}" for host, port in advertised if not _is_allowed(host, port, allowed)
    ]
    if refused:
        raise TargetNotAllowedError(
            f"the brokers {brokers} advertise {', '.join(refused)}, where clients would connect, "
            "but that is neither this machine nor an allowed host",
            hint=(
                "correct the brokers' advertised.listeners, or add these hosts to "
                "PERF_ALLOWED_HOSTS or to allowed of the target"
            ),
        )


def _is_allowed(host: str, port: int | None, allowed: AllowedHosts) -> bool:
    try:
        place = Place(read_host(host), port)
    except ValueError:
        return False
    return _may_be_asked(place, allowed)
