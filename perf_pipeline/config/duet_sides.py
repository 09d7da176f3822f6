"""What a side of a comparison is, as it is written: an address, a command, or a git revision.

Add here: another kind of side. Keep out: starting it (stack/sides.py) and asking it (loading/).
"""

from dataclasses import dataclass
from typing import Final

from perf_pipeline.errors import RequestError

PORT: Final = "{port}"
_GIT: Final = "git:"
_HINT: Final = (
    "write http://HOST:PORT, a command with {port} in it that starts the side, or git:REVISION "
    "with --command"
)


@dataclass(frozen=True, slots=True)
class UrlSide:
    """Name a side that is running: the URL of its API."""

    url: str


@dataclass(frozen=True, slots=True)
class CommandSide:
    """Name a side that a shell command starts, on a port of its own.

    Attributes:
        command: `{port}` in it stands for the port, which is also in the variable PORT.
        revision: git revision in whose files it is run; empty for the current folder.
        prepare: a command that is run there first, such as a build; empty for none.
    """

    command: str
    revision: str = ""
    prepare: str = ""


Side = UrlSide | CommandSide


def read_side(name: str, text: str, *, command: str = "", prepare: str = "") -> Side:
    """Read a side as it was written.

    Args:
        name: baseline or candidate, for sentences.
        text: what was written.
        command: starts a revision.
        prepare: is run before it.

    Raises:
        RequestError: it is none of the kinds, or a revision has no command.
    """
    if not text:
        raise RequestError(f"no {name} is named", hint=f"--{name} SIDE: {_HINT}")
    if text.startswith(_GIT):
        revision = text.removeprefix(_GIT).strip()
        if not revision or revision.startswith("-"):
            raise RequestError(f"--{name} {text!r} names no git revision", hint=_HINT)
        if PORT not in command:
            raise RequestError(
                f"--{name} {text!r} needs --command with {PORT} in it",
                hint="for example --command './serve --port {port}'",
            )
        return CommandSide(command, revision, prepare)
    if text.startswith(("http://", "https://")):
        return UrlSide(text)
    if PORT not in text:
        raise RequestError(
            f"--{name} {text!r} is no URL, and no command, because {PORT} is not in it", hint=_HINT
        )
    return CommandSide(text)


def told_side(side: Side) -> str:
    """Say what a side is, for people."""
    match side:
        case UrlSide(url=url):
            return url
        case CommandSide(command=command, revision=revision):
            return f"{_GIT}{revision}, {command}" if revision else command
