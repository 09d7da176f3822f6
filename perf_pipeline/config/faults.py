"""The faults of a benchmark: what is broken, when, for how long, and how it is undone.

Add here: a key of a fault, with its meaning in the docstring. Keep out: which kind has which keys
(fault_keys.py), breaking things (loading/fault_driver.py), and whether the target has the part
(loading/fault_parts.py).
"""

from itertools import count
from typing import Final, Self

from pydantic import Field, model_validator

from perf_pipeline.config.bounds import LARGEST_STORED
from perf_pipeline.config.durations import Duration
from perf_pipeline.config.fault_keys import (
    CLIENTS,
    DISKS,
    SERVERS,
    FaultKind,
    FaultPart,
    LinkClient,
    LinkServer,
    key_mistake,
)
from perf_pipeline.config.frozen import Frozen, equals, is_empty, keys_of
from perf_pipeline.config.own_topics import Topic
from perf_pipeline.config.patterns import LINE_PATTERN, WORDS_PATTERN
from perf_pipeline.units import US_PER_S, format_bytes, format_duration

COMMAND_LIMIT_US: Final = 60 * US_PER_S
MOST_LEFT: Final = 262_143  # PostgreSQL's largest max_connections


class Fault(Frozen):
    """Describe something that is broken on purpose while a load runs.

    Attributes:
        at_us: when it happens, counted from the start of the load, warm-up included.
        kind: `kill` (SIGKILL), `stop` (as the part asks to be stopped) and `pause` (SIGSTOP) last
            for `for` and are then undone; `restart` stops a part and starts it at once; `full_disk`
            takes all room on the disk that a server gets for this.
            `delay`, `loss`, `reset`, `partition` and `bandwidth` hinder the connections `from` a
            part `to` another. `lock` keeps everybody else out of a table of the target's
            PostgreSQL, and `connections` takes its free connections; `rebalance` joins the target's
            consumer group for a while; `leader_change` lets another broker lead each partition of a
            topic, and then the first one again; `flush` removes all keys of the target's Redis
            database; `command` runs a command of your own.
        part: which part of the system that this run starts is killed, stopped, paused or restarted:
            `api`, `worker`, `relay`, `postgres`, `broker` or `redis`; `full_disk` needs one
            of the last three. Of several brokers, the fault hits the one that leads most partitions
            of the benchmark's topic.
        client: whose connections are hindered: `api`, `worker`, `relay`, or `load` for the load
            generator; by default all clients.
        to: the server of the connections that are hindered: `api`, `postgres`, `broker` or `redis`.
        delay_us: how much longer each answer takes.
        jitter_us: how far the delay may vary up or down from `delay`, uniformly distributed.
        share: the share of the pieces of answers that are lost; they are sent again and come 0.2 s
            later.
        bytes_per_s: the throughput in each direction, over all connections of a part.
        left: how many connections `connections` leaves free.
        topic: the topic whose leaders `leader_change` changes; by default the one that the
            benchmark's messages go to, or that the target publishes to.
        table: the table that `lock` locks, such as `users` or `shop.orders`.
        for_us: how long the fault lasts until it is undone.
        run: the command that breaks something, such as `docker kill api`; it is given to `sh -c`.
        undo: the command that repairs it, such as `docker start api`. It runs whatever happens to
            the run in the meantime, even if the run is killed, and may run twice.
        time_limit_us: the longest time that `run` or `undo` may take, and the longest wait for a
            lock, for all connections or for a place in the group.
        name: its name in reports, and the value of the tag `fault` of its metrics; by default its
            kind and part, such as `kill worker`.
    """

    at_us: Duration = Field(alias="at", ge=0)
    kind: FaultKind
    part: FaultPart | None = Field(default=None, exclude_if=equals(None))
    client: LinkClient | None = Field(default=None, alias="from", exclude_if=equals(None))
    to: LinkServer | None = Field(default=None, exclude_if=equals(None))
    delay_us: Duration = Field(default=0, alias="delay", ge=0, exclude_if=equals(0))
    jitter_us: Duration = Field(default=0, alias="jitter", ge=0, exclude_if=equals(0))
    share: float = Field(default=0.0, ge=0.0, le=1.0, exclude_if=equals(0.0))
    bytes_per_s: int = Field(default=0, ge=0, le=LARGEST_STORED, exclude_if=equals(0))
    left: int = Field(default=0, ge=0, le=MOST_LEFT, exclude_if=equals(0))
    table: str = Field(default="", max_length=130, pattern=LINE_PATTERN, exclude_if=is_empty)
    topic: Topic | None = Field(default=None, exclude_if=equals(None))
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
        if found := key_mistake(self.kind, self._written()):
            return found
        if self.kind == "full_disk" and self.part not in DISKS:
            having = ", ".join(DISKS)
            return f"{self.part} has no disk of its own that could be filled; only {having} have"
        if self.jitter_us > self.delay_us:
            return (
                f"jitter is {format_duration(self.jitter_us)}, more than delay, which is "
                f"{format_duration(self.delay_us)}; no answer comes before it was sent"
            )
        clients = CLIENTS[self.to] if self.to is not None else ()
        if self.client is not None and self.client not in clients:
            return f"{self.client} does not connect to {self.to}; {', '.join(clients)} do"
        return ""

    def _written(self) -> set[str]:
        """Return the keys that are written."""
        values = {name: getattr(self, name) for name in type(self).model_fields}
        spelled = zip(values.values(), keys_of(type(self)), strict=True)
        return {key for value, key in spelled if value} - {"at", "kind", "name", "timeLimit"}

    @property
    def plain_name(self) -> str:
        """Return its name, or a description in two words."""
        if self.name:
            return self.name
        if self.to is not None:
            return f"{self.kind} {self._connections}"
        return f"{self.kind} {self.part}" if self.part else self.kind

    @property
    def in_words(self) -> str:
        """Describe in words what it does, and for how long."""
        lasts = f" for {format_duration(self.for_us)}" if self.for_us else ""
        undone = f", then runs {self.undo!r}" if self.undo else ", and undoes nothing"
        words = {
            "restart": f"restarts {self.part}",
            "full_disk": f"fills the disk of {self.part}{lasts}",
            "lock": f"locks table {self.table}{lasts}",
            "connections": f"takes all free connections of PostgreSQL but {self.left}{lasts}",
            "rebalance": f"joins the consumer group of the workers{lasts}, then leaves it",
            "leader_change": (
                f"lets other brokers lead {self.topic or 'the topic'}{lasts}, then the first ones"
            ),
            "flush": "removes all keys of the Redis database",
            "command": f"runs {self.run!r}{lasts}{undone}",
            **dict.fromkeys(("kill", "stop", "pause"), f"{self.kind}s {self.part}{lasts}"),
        }
        return words.get(self.kind) or f"{self._hindrance}{lasts}"

    @property
    def what(self) -> str:
        """Return the part that it hits, or its command."""
        return (
            self.part
            or self.table
            or self.topic
            or self.run
            or (self._connections if self.to is not None else SERVERS[self.kind])
        )

    @property
    def links(self) -> tuple[tuple[str, str], ...]:
        """Return client and server of each connection that it hinders, if any."""
        if self.to is None:
            return ()
        clients = CLIENTS[self.to] if self.client is None else (self.client,)
        return tuple((client, self.to) for client in clients)

    @property
    def _connections(self) -> str:
        return f"{self.client} to {self.to}" if self.client else f"{self.to}"

    @property
    def _hindrance(self) -> str:
        where = f"the connections from {self.client or 'all'} to {self.to}"
        jitter = f" ± {format_duration(self.jitter_us)}" if self.jitter_us else ""
        words = {
            "delay": f"delays answers on {where} by {format_duration(self.delay_us)}{jitter}",
            "loss": f"loses {self.share:g} of the answers on {where}",
            "bandwidth": f"lets {format_bytes(self.bytes_per_s)}/s through on {where}",
            "reset": f"resets {where}",
            "partition": f"cuts {where}",
        }
        return words.get(self.kind, "")


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
