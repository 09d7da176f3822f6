"""Find links that an answer of a recording gave and a later request followed as they are.

Add here: another place of an answer that holds links. Keep out: parts of paths, such as ids
(recorded_values.py).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from perf_pipeline.new_project.har_recording import RecordedExchange
from perf_pipeline.new_project.seen_request import SeenRequest, leaves

_LOCATION: Final = "location"
_SUCCESS: Final = range(200, 300)  # the Location of another answer is followed by its own step


@dataclass(frozen=True, slots=True)
class GivenLink:
    """Hold where an answer gave a link.

    Attributes:
        place: JSON path, or `header:NAME`.
        key: name of its member or header.
    """

    place: str
    key: str


@dataclass(slots=True)
class RecordedLinks:
    """Remember the links of answers that nobody had asked for before."""

    _given: dict[str, tuple[int, GivenLink]] = field(default_factory=dict)
    _asked: set[str] = field(default_factory=set)

    def at(self, target: str) -> tuple[int, GivenLink] | None:
        """Return the step that gave a path with its query, and where; None if none did."""
        return self._given.get(target)

    def add(self, exchange: RecordedExchange, step: int) -> None:
        """Remember what a request asked for, and then the links of its answer.

        Args:
            exchange: the request with its answer.
            step: the number of its step; less than 0 where it is none.
        """
        self._asked.add(exchange.request.target)
        if step < 0:
            return
        for link, given in _links_of(exchange):
            if link not in self._asked:
                self._given.setdefault(link, (step, given))


def _links_of(exchange: RecordedExchange) -> Iterator[tuple[str, GivenLink]]:
    if exchange.status in _SUCCESS and (link := _target(exchange.request, exchange.location)):
        yield link, GivenLink(f"header:{_LOCATION.capitalize()}", _LOCATION)
    if exchange.json is None:
        return
    for (place, key), value in leaves(exchange.json):
        if isinstance(value, str) and (link := _target(exchange.request, value)):
            yield link, GivenLink(place, key)


def _target(request: SeenRequest, link: str) -> str:
    """Return path and query of a link on the request's own origin; empty where it is none."""
    own = link.removeprefix(request.origin).partition("#")[0]
    return own if own.startswith("/") and not own.startswith("//") else ""
