"""The faults of a benchmark: what is broken when, for how long, and how it is made whole again.

Add here: a key of a fault, or a kind, with its meaning in the docstring. Keep out: breaking things
(loading/fault_driver.py), and whether the target has the part (loading/fault_parts.py).
"""

from collections.abc import Mapping
from itertools import count
from types import MappingProxyType
from typing import Final, Literal, Self

from pydantic import Field, model_validator

from perf_pipeline.config.durations import Duration
from perf_pipeline.config.frozen import Frozen, equals, is_empty
from perf_pipeline.config.patterns import LINE_PATTERN, WORDS_PATTERN
from perf_pipeline.units import US_PER_S, format_duration

FaultKind = Literal["kill", "stop", "pause", "restart", "lock", "flush", "command"]
FaultPart = Literal["api", "worker", "relay", "postgres", "broker", "redis"]
COMMAND_LIMIT_US: Final = 60 * US_PER_S
_LASTING: Final = frozenset({"kill", "stop", "pause", "lock"})
_AT_ONCE: Final = MappingProxyType(
    {
        "restart": "starts the part at once",
        "flush": "is done at once, and nothing brings the keys back",
    }
)
SERVERS: Final[Mapping[str, FaultPart]] = MappingProxyType({"lock": "postgres", "flush": "redis"})
"""Kinds that are done over a connection to a server of the target, whoever has started it."""


class Fault(Frozen):
    """Describe something that is broken on purpose while a load runs.

    Attributes:
        at_us: when, from the begin of the load on, with its warm-up.
        kind: `kill` (SIGKILL), `stop` (as the part asks to be stopped) and `pause` (SIGSTOP) last
            for `for` and are then undone; `restart` stops a part and starts it at once; `lock`
            keeps everybody else out of a table of the target's PostgreSQL; `flush` removes all keys
            of the target's Redis database; `command` runs a command of your own.
        part: which part of the system that this run starts: `api`, `worker`, `relay`, `postgres`,
            `broker` or `redis`; not for `lock`, `flush` and `command`.
        table: which one `lock` locks, such as `users` or `shop.orders`.
        for_us: how long it lasts until it is undone.
        run: the command that breaks something, such as `docker kill api`; it is given to `sh -c`.
        undo: the command that makes it whole again, such as `docker start api`. It runs whatever
            happens to the run in the meantime, even where that is killed, and may run twice.
        time_limit_us: how long `run`, and `undo`, may take at most, and how long a lock is waited
            for.
        name: what it is called in reports, and the tag `fault` of its metrics; its kind and part
            by default, such as `kill worker`.
    """

    at_us: Duration = Field(alias="at", ge=0)
    kind: FaultKind
    part: FaultPart | None = Field(default=None, exclude_if=equals(None))
    table: str = Field(default="", max_length=130, pattern=LINE_PATTERN, exclude_if=is_empty)
    for_us: Duration = Field(default=0, alias="for", ge=0, exclude_if=equals(0))
    run: str = Field(default="", max_length=10_000, exclude_if=is_empty)
    undo: str = Field(default="", max_length=10_000, exclude_if=is_empty)
    time_limit_us: Duration = Field(
        default=COMMAND_LIMIT_US,
        alias="timeLimit",
        ge=US_PER_S // 10,
        exclude_if=equals(COMMAND_LIMIT_US),
    )
    name: str = Field(default="", max_length=60, pattern=WORDS_PATTERN, exclude_if=is_empty)

    @model_validator(mode="after")
    def _keys_agree(self) -> Self:
        if sentence := self._mistake():
            raise ValueError(sentence)
        return self

    def _mistake(self) -> str:
        if self.table and self.kind != "lock":
            return f'table stands only in a fault of kind = "lock"; this one is {self.kind!r}'
        if self.kind == "command":
            return self._command_mistake()
        if self.run or self.undo:
            key = "run" if self.run else "undo"
            return f'{key} stands only in a fault of kind = "command"; this one is {self.kind!r}'
        if self.kind in SERVERS:
            return self._server_mistake()
        if self.part is None:
            return f'kind = "{self.kind}" needs the part that it hits, such as part = "worker"'
        return self._length_mistake()

    def _length_mistake(self) -> str:
        if self.kind in _LASTING and not self.for_us:
            return f'kind = "{self.kind}" needs for, such as for = "5s"'
        if self.kind in _AT_ONCE and self.for_us:
            return f'kind = "{self.kind}" {_AT_ONCE[self.kind]}, so for has no meaning'
        return ""

    def _server_mistake(self) -> str:
        if self.part is not None:
            return f'part has no meaning for kind = "{self.kind}"; it is {SERVERS[self.kind]}'
        if self.kind == "lock" and not self.table:
            return 'kind = "lock" needs table, such as table = "users"'
        return self._length_mistake()

    def _command_mistake(self) -> str:
        if self.part is not None:
            return 'part has no meaning for kind = "command"; the command says what it hits'
        if not self.run:
            return 'kind = "command" needs run, such as run = "docker kill api"'
        if self.for_us and not self.undo:
            return 'for says when undo runs; write undo, such as undo = "docker start api"'
        return ""

    @property
    def plain_name(self) -> str:
        """Return its name, or what it does in two words."""
        return self.name or (f"{self.kind} {self.part}" if self.part else self.kind)

    @property
    def in_words(self) -> str:
        """Say what it does, and until when."""
        if self.kind == "restart":
            return f"restarts {self.part}"
        lasts = f" for {format_duration(self.for_us)}" if self.for_us else ""
        if self.kind == "command":
            undone = f", then runs {self.undo!r}" if self.undo else ", and undoes nothing"
            return f"runs {self.run!r}{lasts}{undone}"
        if self.kind == "flush":
            return "removes all keys of the Redis database"
        if self.kind == "lock":
            return f"locks table {self.table}{lasts}"
        return f"{self.kind}s {self.part}{lasts}"

    @property
    def what(self) -> str:
        """Return what it hits, or the command."""
        return self.part or self.table or self.run or SERVERS[self.kind]


def fault_names(faults: tuple[Fault, ...]) -> tuple[str, ...]:
    """Name each fault; a second one of the same name gets a number."""
    names: list[str] = []
    for fault in faults:
        candidates = (f"{fault.plain_name} {number}" for number in count(2))
        name = fault.plain_name
        while name in names:
            name = next(candidates)
        names.append(name)
    return tuple(names)
