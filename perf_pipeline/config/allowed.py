"""The hosts other than this machine that somebody allowed to be loaded.

Add here: another form of an entry. Keep out: where the entries are written (target.py).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from perf_pipeline.config.hosts import Place, is_this_machine, read_host, read_port

_REMEDY = "write each host by itself, such as staging.example, with or without a port"


@dataclass(frozen=True, slots=True)
class AllowedHosts:
    """Hold the hosts that may be loaded because somebody named them.

    Names are normalized before they are compared: case, brackets and a final dot don't matter, and
    `straße` is the same as `xn--strae-oqa`. There are no ranges and no wildcards, so that an entry
    allows exactly the host that it shows.

    Attributes:
        places: the hosts, each with its port; without a port, every port of the host is allowed.
    """

    places: frozenset[Place] = frozenset()

    @classmethod
    def read(cls, entries: Iterable[str]) -> Self:
        """Read entries like `staging.example`, `10.0.0.5`, `[2001:db8::1]` and `kafka:9092`.

        Raises:
            ValueError: an entry could never be the host of an address; the first such entry is
                named.
        """
        return cls(frozenset(_read(entry) for entry in entries))

    def has(self, place: Place) -> bool:
        """Say whether a place was allowed by name."""
        return place in self.places or Place(place.host) in self.places

    def permits(self, place: Place) -> bool:
        """Say whether a place may be loaded: it is on this machine, or was allowed."""
        return is_this_machine(place.host) or self.has(place)


def entries_in(text: str) -> tuple[str, ...]:
    """Return the entries of PERF_ALLOWED_HOSTS, which are comma separated.

    >>> entries_in("staging.example, kafka:9092,")
    ('staging.example', 'kafka:9092')
    """
    return tuple(entry.strip() for entry in text.split(",") if entry.strip())


def _read(entry: str) -> Place:
    host, port = entry, ""
    if entry.startswith("[") or entry.count(":") == 1:
        bracket = entry.rfind("]") + 1
        host, _, port = entry.partition(":") if not bracket else _split_at(entry, bracket)
    if "*" in entry or "/" in entry:
        raise ValueError(
            f"{entry[:100]!r}, but it can't be a range, a wildcard, a URL or a path; {_REMEDY}"
        )
    try:
        return Place(read_host(host), read_port(port) if host != entry else None)
    except ValueError as error:
        raise ValueError(f"{entry[:100]!r}, which {error}; {_REMEDY}") from None


def _split_at(entry: str, bracket: int) -> tuple[str, str, str]:
    if bracket == len(entry):
        return entry, "", ""
    return entry[:bracket], entry[bracket], entry[bracket + 1 :]
