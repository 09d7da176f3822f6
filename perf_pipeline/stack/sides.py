"""Start the two sides of a comparison by shell commands, each on a port or topic of its own.

All that is started, and every copy of a revision, lies in one guarded folder: it goes with this
process, also when that is killed. A revision is a clone that borrows the repository's objects, so
that nothing has to be tidied in the repository itself.
Add here: another thing that a side needs before it is loaded. Keep out: loading it.
"""

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from perf_pipeline.benchmarks.record import Part
from perf_pipeline.config.duet_sides import BROKERS, GROUP, PORT, TOPIC, CommandSide
from perf_pipeline.errors import RequestError, StackError, StoppedByUserError
from perf_pipeline.narration import Say
from perf_pipeline.stack.embedded import guarded_folder
from perf_pipeline.stack.process_register import is_alive
from perf_pipeline.stack.service import (
    BEHIND_THE_LOAD,
    LOOPBACK,
    POLL_S,
    Command,
    Service,
    free_port,
    is_listening,
    spawn,
)

_GIT_LIMIT_S: Final = 300.0
_GROUP_POLL_S: Final = 0.2
_LATE: Final = "did not take all partitions of its topic, as members of a consumer group,"
_PREPARING_LIMIT_S: Final = 1_800.0
_SHELL: Final = ("/bin/sh", "-c", 'cd "$1" && eval "$2"', "side")
_NOT_INHERITED: Final = ("GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE")


@dataclass(frozen=True, slots=True)
class SideTopics:
    """Say which topics workers get, and how these come and go.

    Attributes:
        names: by side.
        brokers: the addresses that workers get, without the login.
        keeper: a process that deletes the topics when it is asked to end, and says `ready`.
        ready: that it has taken the order.
        make: makes them.
        is_taken: says of one whether workers have all of its partitions.
    """

    names: Mapping[str, str]
    brokers: str
    keeper: Command
    ready: str
    make: Callable[[], None]
    is_taken: Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class StartedSide:
    """Hold a side that runs.

    Attributes:
        url: the URL of its API; empty where it has none.
        postgres_dsn: the DSN of its database, where that is known.
        topic: that it consumes; empty where it consumes none.
        facts: what is known of its version: the commit of a revision.
    """

    url: str
    facts: Mapping[str, str] = field(default_factory=dict)
    postgres_dsn: str | None = field(default=None, repr=False)
    topic: str = ""


@contextmanager
def started_sides(
    state: Path,
    sides: Mapping[str, CommandSide],
    *,
    within_s: float,
    say: Say,
    stop: threading.Event,
    topics: SideTopics | None = None,
) -> Iterator[dict[str, StartedSide]]:
    """Yield the sides by name, each listening on its port, or with all messages of its topic.

    All of them end with the block, and their topics go.

    Args:
        state: folder of this machine's state.
        sides: by name.
        within_s: how long each may take to listen.
        say: gets a sentence for each step.
        stop: set it to give up the start.
        topics: the topics of workers; None if no side consists of workers.

    Raises:
        RequestError: the current folder is in no git repository, or has no such revision.
        StackError: a side could not be prepared, ended, or did not listen in time.
        StoppedByUserError: `stop` was set meanwhile.
    """
    if not sides:
        yield {}
        return
    commits = {name: _commit_of(side.revision) for name, side in sides.items()}
    with guarded_folder(state, say=say) as folder:
        start = _Start(folder, within_s, say, stop, topics)
        places = {name: start.prepared(name, side, commits[name]) for name, side in sides.items()}
        start.hold_topics()
        begun = {
            name: start.begun(name, side, places[name], commits[name])
            for name, side in sides.items()
        }
        yield {name: start.ready(side) for name, side in begun.items()}


@dataclass(frozen=True, slots=True)
class _Begun:
    """Hold a side that was started and may not be ready.

    Attributes:
        service: its process.
        side: what it is when it is ready.
        is_ready: says whether it is.
    """

    service: Service
    side: StartedSide
    is_ready: Callable[[], bool]


@dataclass(frozen=True, slots=True)
class _Start:
    """Start sides in a guarded folder."""

    folder: Path
    within_s: float
    say: Say
    stop: threading.Event
    topics: SideTopics | None

    def prepared(self, name: str, side: CommandSide, commit: str) -> Path:
        """Return where a side is run: the current folder, or its revision's files, prepared."""
        if not commit:
            return Path.cwd()
        self.say(f"{name}: copying revision {side.revision} ({commit[:12]})")
        top = Path(_git(Path.cwd(), "rev-parse", "--show-toplevel"))
        copy = self.folder / "revisions" / name
        _borrow(top, copy)
        _git(copy, "checkout", "--quiet", "--detach", commit)
        place = copy / Path.cwd().resolve().relative_to(top.resolve())
        if not place.is_dir():
            raise RequestError(f"revision {side.revision} has no folder {place.relative_to(copy)}")
        if side.prepare:
            self.say(f"{name}: {side.prepare}")
            service = spawn(self.folder, _command(f"{name}-prepare", side.prepare, place, {}))
            self._await(service, lambda: False, _PREPARING_LIMIT_S, may_end=True)
        return place

    def hold_topics(self) -> None:
        """Make the topics of workers, if there are some, after somebody waits to delete them."""
        if (topics := self.topics) is None:
            return
        keeper = spawn(self.folder, topics.keeper)
        is_holding = lambda: topics.ready in keeper.log.read_text("utf-8")  # noqa: E731
        self._await(keeper, is_holding, self.within_s)
        self.say(f"making the topics {', '.join(topics.names.values())}")
        topics.make()

    def begun(self, name: str, side: CommandSide, place: Path, commit: str) -> _Begun:
        """Start a side."""
        facts = {"commit": commit} if commit else {}
        is_ready: Callable[[], bool]
        if side.part is not Part.BROKERS or self.topics is None:
            port = free_port()
            given = {PORT: str(port)}
            started = StartedSide(f"http://{LOOPBACK}:{port}", facts)
            is_ready = partial(is_listening, port)
        else:
            topic = self.topics.names[name]
            given = {TOPIC: topic, GROUP: topic, BROKERS: self.topics.brokers}
            started = StartedSide("", facts, topic=topic)
            is_ready = partial(self.topics.is_taken, topic)
        line = side.command
        for word, value in given.items():
            line = line.replace(word, value)
        self.say(f"{name}: starting {line}")
        variables = {word.strip("{}").upper(): value for word, value in given.items()}
        service = spawn(self.folder, _command(name, line, place, variables))
        return _Begun(service, started, is_ready)

    def ready(self, begun: _Begun) -> StartedSide:
        """Wait until a side listens, or has all partitions of its topic."""
        service, is_ready, within_s = begun.service, begun.is_ready, self.within_s
        if begun.side.topic:
            self._await(service, is_ready, within_s, poll_s=_GROUP_POLL_S, late=_LATE)
        else:
            self._await(service, is_ready, within_s)
        return begun.side

    def _await(
        self,
        service: Service,
        is_ready: Callable[[], bool],
        limit_s: float,
        *,
        may_end: bool = False,
        poll_s: float = POLL_S,
        late: str = "was not ready",
    ) -> None:
        """Wait for a command: until it is ready, or until it has ended well."""
        until_s = time.monotonic() + limit_s
        while not is_ready():
            if self.stop.is_set():
                raise StoppedByUserError("stopped before anything was measured")
            if may_end and not is_alive(service.record):
                service.await_end(limit_s)
                return
            if not may_end:
                service.require_alive()
            if time.monotonic() > until_s:
                raise service.failure(f"{late} within {limit_s:g} s")
            time.sleep(poll_s)


def _command(name: str, line: str, place: Path, variables: Mapping[str, str]) -> Command:
    return Command(
        name=name,
        argv=(*_SHELL, str(place), line),
        environment=variables,
        needs_secrets=True,
        wave=2,
        nice=BEHIND_THE_LOAD,
    )


def _commit_of(revision: str) -> str:
    """Return the commit that a revision names in the repository of the current folder."""
    if not revision:
        return ""
    return _git(Path.cwd(), "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")


def _borrow(top: Path, copy: Path) -> None:
    """Make a repository that has the objects of another one, also those that no branch leads to.

    `git clone` copies only what branches lead to, and nothing by reference where the repository is
    shallow, as those of CI are.
    """
    _git(Path.cwd(), "init", "--quiet", str(copy))
    objects, shallow = (
        Path(_git(top, "rev-parse", "--path-format=absolute", "--git-path", name))
        for name in ("objects", "shallow")
    )
    (copy / ".git" / "objects" / "info" / "alternates").write_text(f"{objects}\n", "utf-8")
    if shallow.is_file():
        shutil.copy(shallow, copy / ".git" / "shallow")


def _git(folder: Path, *arguments: str) -> str:
    """Run git in a folder and return what it says.

    Raises:
        RequestError: it is not there, refuses, or takes too long.
    """
    environment = {key: value for key, value in os.environ.items() if key not in _NOT_INHERITED}
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=_GIT_LIMIT_S,
            env=environment,
        )
    except FileNotFoundError as error:
        raise RequestError("git is not installed, which a revision is copied with") from error
    except subprocess.TimeoutExpired as error:
        raise StackError(f"git {arguments[0]} took longer than {_GIT_LIMIT_S:g} s") from error
    if done.returncode:
        told = done.stderr.strip() or f"there is no revision {arguments[-1].partition('^')[0]!r}"
        raise RequestError(f"git {arguments[0]} in {folder}: {told}", hint=_DEPTH)
    return done.stdout.strip()


_DEPTH: Final = "in CI, fetch the revision first (actions/checkout with `fetch-depth: 0`)"
