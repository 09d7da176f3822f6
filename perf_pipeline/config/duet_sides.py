"""Read a side of a comparison as it is written: an address, a command, or a git revision.

Add here: another kind of side. Keep out: starting it (stack/sides.py) and checking it (loading/).
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final
from urllib.parse import parse_qsl

from perf_pipeline.benchmarks.record import Part
from perf_pipeline.config.kafka_client import bootstrap_servers, with_properties
from perf_pipeline.errors import RequestError
from perf_pipeline.secrecy.addresses import mask_address
from perf_pipeline.secrecy.known import KNOWN
from perf_pipeline.spelling import meant

PORT: Final = "{port}"
TOPIC: Final = "{topic}"
BROKERS: Final = "{brokers}"
GROUP: Final = "{group}"
_GIT: Final = "git:"
_VARIABLE: Final = "env:"
_REFERENCE: Final = "reference"
REFERENCE_SETTINGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "api": "[1-9]|[1-5][0-9]|6[0-4]",
        "workers": "[1-6]",
        "redis": "on|off",
        "pool_size": "[1-9][0-9]{0,2}",
        "worker_concurrency": "[1-9][0-9]{0,3}",
        "send_ms": r"[0-9]{1,5}\.\.[0-9]{1,5}",
    }
)
"""What may differ between two reference systems, and how each is written (a regular expression).

`api` and `workers` are numbers of processes; a topic of the reference system has six partitions.
"""
_LIKE: Final = (
    "api=2 (processes), workers=2 (processes, up to 6), redis=off, pool_size=5, "
    "worker_concurrency=20 or send_ms=0..10"
)
_HINT: Final = (
    "write http://HOST:PORT, postgresql://HOST:PORT/DATABASE, kafka://HOST:PORT/TOPIC, env:NAME "
    "for one of them in an environment variable, a command with {port} in it that starts the side, "
    "or with {topic} in it that starts workers, "
    "git:REVISION with --command, or reference:KEY=VALUE for a reference system of its own"
)
_SCHEMES: Final[Mapping[str, Part]] = MappingProxyType(
    {
        "http": Part.API,
        "https": Part.API,
        "postgresql": Part.POSTGRES,
        "postgres": Part.POSTGRES,
        "kafka": Part.BROKERS,
        "sasl_plaintext": Part.BROKERS,
    }
)


@dataclass(frozen=True, slots=True)
class GivenSide:
    """Describe a side that is already running.

    Attributes:
        address: the URL of its API, the DSN of its database, or its brokers (kafka_client.py).
        part: which of these it is.
        topic: the topic that is produced to, if it is not the one that the profile names.
    """

    address: str = field(repr=False)
    part: Part = Part.API
    topic: str = ""


@dataclass(frozen=True, slots=True)
class CommandSide:
    """Describe a side that a shell command starts: an API on a port, or workers on their own topic.

    Attributes:
        command: the command. `{port}` in it stands for the port, which is also in the variable
            PORT; or `{topic}` for the topic, `{brokers}` for its brokers and `{group}` for the name
            of a consumer group, which are also in the variables TOPIC, BROKERS and GROUP.
        revision: the git revision in whose files it runs; empty for the current folder.
        prepare: a command that runs there first, such as a build; empty for none.
    """

    command: str
    revision: str = ""
    prepare: str = ""

    @property
    def part(self) -> Part:
        """Return which part of it is loaded: its API, or the topic of its workers."""
        return Part.API if PORT in self.command else Part.BROKERS


@dataclass(frozen=True, slots=True)
class ReferenceSide:
    """Describe a reference system that is started for the comparison, with its own servers.

    Attributes:
        settings: the settings that differ from the usual ones, by name.
    """

    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def part(self) -> Part:
        """Return which part of it is loaded: its API."""
        return Part.API


Side = GivenSide | CommandSide | ReferenceSide


def read_side(
    name: str,
    text: str,
    *,
    command: str = "",
    prepare: str = "",
    environment: Mapping[str, str] = os.environ,
) -> Side:
    """Read a side as it was written.

    Args:
        name: `baseline` or `candidate`, for messages.
        text: the side as it was written.
        command: the command that starts a revision.
        prepare: a command that runs before it.
        environment: where `env:NAME` finds an address.

    Raises:
        RequestError: the text is none of these kinds of sides, or names a revision but no command
            starts it.
    """
    if not text:
        raise RequestError(f"no {name} is named", hint=f"--{name} SIDE: {_HINT}")
    if text.startswith(_VARIABLE):
        return _given_by(name, text.removeprefix(_VARIABLE), environment)
    if text.startswith(_GIT):
        revision = text.removeprefix(_GIT).strip()
        if not revision or revision.startswith("-"):
            raise RequestError(f"--{name} {text!r} names no git revision", hint=_HINT)
        if PORT not in command and TOPIC not in command:
            raise RequestError(
                f"--{name} {text!r} needs --command with {PORT} or {TOPIC} in it",
                hint="for example --command './serve --port {port}', or './worker {topic}'",
            )
        return _command_side(name, command, revision, prepare)
    if side := _given(text):
        return side
    if text == _REFERENCE or text.startswith(f"{_REFERENCE}:"):
        return _reference(name, text)
    if PORT not in text and TOPIC not in text:
        shown = mask_address(text)
        raise RequestError(
            f"--{name} {shown!r} is neither a URL nor a command with {PORT} or {TOPIC} in it",
            hint=_HINT,
        )
    return _command_side(name, text)


def _command_side(name: str, command: str, revision: str = "", prepare: str = "") -> CommandSide:
    if PORT in command and TOPIC in command:
        raise RequestError(
            f"--{name}: {mask_address(command)!r} has {PORT} and {TOPIC} in it, and a side is "
            "either an API or workers",
            hint=f"leave {PORT} out to compare workers, or {TOPIC} to compare APIs",
        )
    return CommandSide(command, revision, prepare)


def _reference(name: str, text: str) -> ReferenceSide:
    settings: dict[str, str] = {}
    for written in filter(None, text.removeprefix(_REFERENCE).removeprefix(":").split(",")):
        key, _, value = written.partition("=")
        if key not in REFERENCE_SETTINGS or not re.fullmatch(REFERENCE_SETTINGS[key], value):
            raise RequestError(
                f"--{name} {text!r}: {written!r} is not a setting of the reference system"
                f"{meant(key, REFERENCE_SETTINGS)}",
                hint=f"write reference:KEY=VALUE,KEY=VALUE with {_LIKE}",
            )
        settings[key] = value
    return ReferenceSide(settings)


def _given(text: str) -> GivenSide | None:
    """Return a side by its address; None if it is not the address of a part that can be a side."""
    scheme, separator, _ = text.partition("://")
    part = _SCHEMES.get(scheme.lower()) if separator else None
    if part is None:
        return None
    KNOWN.add_address(text)
    return _topic_side(text) if part is Part.BROKERS else GivenSide(text, part)


def _topic_side(text: str) -> GivenSide:
    """Take the topic out of `kafka://HOST:PORT/TOPIC?property=value`."""
    scheme, _, rest = text.partition("://")
    place, asks, query = rest.partition("?")
    servers, _, topic = place.partition("/")
    brokers = servers if scheme.lower() == "kafka" else f"{scheme}://{servers}"
    if asks:
        brokers = with_properties(brokers, dict(parse_qsl(query, keep_blank_values=True)))
    KNOWN.add_address(brokers)
    return GivenSide(brokers, Part.BROKERS, topic)


def _given_by(name: str, variable: str, environment: Mapping[str, str]) -> GivenSide:
    """Return a side whose address an environment variable holds; the address is never shown."""
    text = environment.get(variable, "")
    side = _given(text)
    if side is None and "=" in text and "://" not in text:  # libpq's keywords: host=... dbname=...
        KNOWN.add_address(text)
        side = GivenSide(text, Part.POSTGRES)
    if side is None:
        raise RequestError(
            f"--{name} {_VARIABLE}{variable}: the environment variable {variable} holds no URL and "
            "no DSN",
            hint=f"set {variable} to http://HOST:PORT, postgresql://HOST:PORT/DATABASE or "
            "kafka://HOST:PORT/TOPIC",
        )
    return side


def part_of(sides: tuple[Side, Side]) -> Part:
    """Return which part of a system two sides are.

    Raises:
        RequestError: the sides are different parts.
    """
    one, other = (side.part for side in sides)
    if one is not other:
        raise RequestError(
            f"the baseline is the part {one.value} of a system and the candidate {other.value}; "
            "both have to be the same",
            hint=_HINT,
        )
    return one


def told_side(side: Side) -> str:
    """Describe a side for people."""
    match side:
        case GivenSide(address=address, part=Part.BROKERS, topic=topic):
            return f"kafka://{bootstrap_servers(address)}/{topic}".rstrip("/")
        case GivenSide(address=address):
            return address
        case CommandSide(command=command, revision=revision):
            return f"{_GIT}{revision}, {command}" if revision else command
        case ReferenceSide(settings=settings):
            told = ",".join(f"{key}={value}" for key, value in settings.items())
            return f"{_REFERENCE}:{told}" if told else _REFERENCE
