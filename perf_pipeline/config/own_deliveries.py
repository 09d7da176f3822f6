"""Where a system shows that it completed a message: a query, a topic, or a path of its API.

Add here: another place, with its keys. Keep out: looking there (workloads/), and rules that need
the rest of the profile (own_delivery_rules.py).
"""

from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from perf_pipeline.config.durations import Duration
from perf_pipeline.config.frozen import Frozen, equals, is_empty
from perf_pipeline.config.http_keys import Path, Statuses
from perf_pipeline.config.http_steps import Auth, Headers
from perf_pipeline.config.json_path import parse_json_path
from perf_pipeline.config.own_topics import place_in_message
from perf_pipeline.units import US_PER_MS, US_PER_S

MESSAGE: Final = "${message}"
KEY: Final = "key"
BROKER, PRODUCER, HERE = "broker", "producer", "here"
Clock = Literal["postgres", "broker", "api"]
_EVERY_US: Final = 500 * US_PER_MS
_TIMES: Final = (BROKER, PRODUCER, HERE)
_OF_PLACE: Final = {
    "sql": frozenset({"sql", "clock"}),
    "topic": frozenset({"topic", "id", "time", "clock"}),
    "path": frozenset({"path", "done", "status", "time", "clock", "every", "headers", "auth"}),
}


def _place_or_word(value: str) -> str:
    return value if value in ("", KEY, *_TIMES) else place_in_message(value)


_InMessage = Annotated[str, AfterValidator(_place_or_word)]


class Deliveries(Frozen):
    """Say where the system shows that it completed a message: `sql`, `topic` or `path`.

    Attributes:
        sql: a query on the target's PostgreSQL with the columns `id` and `completed_at` (a
            timestamp with time zone). `%(ids)s` is the list of the promised ids as texts.
        topic: a topic that gets one message for each completed message.
        path: a path of the API that shows the state of a message, such as `/orders/${message}`.
        id: where a message of the topic has its id: a JSON path into the value, `header:NAME`, or
            `key`.
        time: where the time of completion is found. For a topic: `broker` (the log-append time),
            `producer` (the producer's time stamp), `here` (the arrival on this machine), or a JSON
            path or `header:NAME` with an ISO 8601 time or milliseconds since 1970. For a path: a
            JSON path; by default the time of the first poll that sees the message completed.
        clock: the clock that this time comes from and whose offset is measured: `postgres`,
            `broker` or `api`.
        done: JSON paths with the values that the answer has once the message is completed.
        status: the HTTP status of such an answer, 200 by default.
        every_us: the time between two polls of the same message.
        headers: headers of each poll.
        auth: the login of each poll.
    """

    sql: str = Field(default="", exclude_if=is_empty)
    topic: str = Field(default="", exclude_if=is_empty)
    path: Path = Field(default="", exclude_if=is_empty)
    id: _InMessage = Field(default="", exclude_if=is_empty)
    time: _InMessage = Field(default="", exclude_if=is_empty)
    clock: Clock | None = Field(default=None, exclude_if=equals(None))
    done: dict[str, Any] = Field(default_factory=dict, exclude_if=is_empty)
    status: Statuses = Field(default=(), exclude_if=is_empty)
    every_us: Duration = Field(
        default=_EVERY_US,
        alias="every",
        ge=10 * US_PER_MS,
        le=60 * US_PER_S,
        exclude_if=equals(_EVERY_US),
    )
    headers: Headers = Field(default_factory=dict, exclude_if=is_empty)
    auth: Auth | None = Field(default=None, exclude_if=equals(None))

    @model_validator(mode="after")
    def _is_one_place(self) -> Self:
        given = [name for name in _OF_PLACE if getattr(self, name)]
        if len(given) != 1:
            told = f"has {' and '.join(given)}" if given else "names no place"
            raise ValueError(f"{told}; write one of sql, topic and path")
        [place] = given
        written = {self._written(name) for name in self.model_fields_set}
        if foreign := sorted(written - _OF_PLACE[place]):
            raise ValueError(f"has {', '.join(foreign)}, which {place} does not take")
        self._check(place)
        return self

    def _check(self, place: str) -> None:
        if place == "topic" and not self.id:
            raise ValueError('has a topic and no id; write id = "$.id", "header:NAME" or "key"')
        if place == "topic" and self.id in _TIMES:
            raise ValueError(f"has id = {self.id!r}, which is a time; name where the id stands")
        if self.time == KEY:
            raise ValueError("has the key as its time; name where the time stands")
        if place == "path" and MESSAGE not in self.path:
            raise ValueError(f"has a path without {MESSAGE}, so all would count as one message")
        if place == "path" and self.time and not self.time.startswith("$"):
            raise ValueError(f"has time = {self.time!r}; with a path, the time is a JSON path")
        for path in self.done:
            parse_json_path(path)

    @staticmethod
    def _written(name: str) -> str:
        return "every" if name == "every_us" else name

    @property
    def of_clock(self) -> Clock | None:
        """Return whose clock has to be measured; None if only our own clock is read."""
        if self.sql:
            return self.clock or "postgres"
        if self.topic:
            return {"": "broker", BROKER: "broker", HERE: None}.get(self.time, self.clock or "api")
        return (self.clock or "api") if self.time else None
