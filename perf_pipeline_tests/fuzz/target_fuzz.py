"""Addresses of targets, in a profile and in environment variables: read, or refused in words.

Whatever an address looks like, no sentence shows its password.
Add here: another part of an address, or another variable. Keep out: which hosts are loaded
(integration/loading).
"""

import random
from collections.abc import Callable
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from perf_pipeline.config.loading import load_profile
from perf_pipeline.errors import PerfPipelineError
from perf_pipeline.loading.prepare import find_target
from perf_pipeline.secrecy.files import access_of
from perf_pipeline.secrecy.known import KNOWN
from perf_pipeline_tests.fuzz.profile_fuzz import TEXTS

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET: Final = "Zq7-s3cret-Zq7"
_SCHEMES: Final = (
    "http://", "https://", "HTTP://", "postgresql://", "postgres://", "redis://", "rediss://",
    "unix://", "SASL_PLAINTEXT://", "PLAINTEXT://", "SSL://", "ftp://", "//", "", "http:/", "://",
)  # fmt: skip
_USERS: Final = ("", "app", "a%20b", "a@b", "é", "a:b", "%zz", "a/b")
_PASSWORDS: Final = (SECRET, SECRET, f"{SECRET}@x", f"/{SECRET}", f"{SECRET}#1", f"%40{SECRET}", "")
_HOSTS: Final = (
    "127.0.0.1", "localhost", "[::1]", "::1", "db.example", "LOCALHOST.", "0x7f.1", "2130706433",
    "127.1", "[::ffff:127.0.0.1]", "[fe80::1%25lo]", "straße.example", "xn--strae-oqa.example",
    "a..b", "-a.example", "1" * 300, "", "%2Ftmp", "/tmp", "@abstract", "h%6Fst", "127.0.0.1,::1",
    "a b", "\u2488.0.0.1", "①②⑦.0.0.1", "..", "[", "]", "[::1", "\udcff", "a\0b", "a\nb", "*",
)  # fmt: skip
_PORTS: Final = ("", ":", ":80", ":0", ":65536", ":-1", ":8x", ":080", ":" + "9" * 400, ":80:81")
_PATHS: Final = (
    "", "/", "/users", "/0", "/99", "/a?host=db.example", "?hostaddr=10.0.0.1", "/..//", "/%00",
    f"?password={SECRET}", f"?sslpassword={SECRET}&x", "#f", "?sslmode=verify-full", "?service=x",
)  # fmt: skip
_KEYWORDS: Final = (
    "host=127.0.0.1", "hostaddr=127.0.0.1", "host='a b'", r"host=it\'s", "port=5432", "port=x",
    "dbname=users", f"password={SECRET}", f"password='{SECRET} x'", "user=app", "host=", "=",
    "service=none", "passfile=/nowhere", "sslmode=no", "target_session_attrs=any", "options='-c",
)  # fmt: skip
_VARIABLES: Final = ("PERF_BASE_URL", "PERF_POSTGRES_DSN", "PERF_KAFKA_BROKERS", "PERF_REDIS_URL")
_OTHERS: Final = (
    "PERF_ALLOWED_HOSTS", "PERF_STATE_ACCESS", "PGHOST", "PGHOSTADDR", "PGPORT", "PGSSLMODE",
    "PGSERVICE", "PGSERVICEFILE", "PGPASSFILE", "PGOPTIONS", "PGREQUIREAUTH",
)  # fmt: skip


def target_case(chance: random.Random) -> Callable[[], object]:
    """Give the reading of a target whose addresses are odd."""
    environment = {name: _address(chance) for name in _VARIABLES if chance.random() < 0.4}
    for name in _OTHERS:
        if chance.random() < 0.1:
            environment[name] = _word(chance)
    table = {key: make(chance) for key, make in _TABLE.items() if chance.random() < 0.3}

    def read() -> None:
        access_of(environment)
        overrides = {"target": "t", "targets.t": table}
        profile = load_profile("ci", overrides, environment=environment)
        target = find_target(profile, environment)
        assert SECRET not in f"{target.masked} {target!r}", "a target shows its password"

    def look() -> None:
        with _secrets_of_this_case():
            error = _ended(read)
        assert SECRET not in str(error), f"a sentence shows the password: {error}"
        if isinstance(error, PerfPipelineError):
            raise error
        # The command line answers this one as a usage error.
        assert str(error or "PERF_STATE_ACCESS").startswith("PERF_STATE_ACCESS"), repr(error)

    return look


@contextmanager
def _secrets_of_this_case() -> "Iterator[None]":
    """Forget the addresses of a case after it: a mask of thousands is slow."""
    names = ("_values", "_addresses", "_public")
    before = {name: getattr(KNOWN, name) for name in names}
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(KNOWN, name, value)


def _ended(read: Callable[[], object]) -> Exception | None:
    try:
        read()
    except (PerfPipelineError, ValueError) as error:
        return error
    return None


def _address(chance: random.Random) -> str:
    act = chance.random()
    if act < 0.15:
        return " ".join(chance.choice(_KEYWORDS) for _ in range(chance.randint(1, 6)))
    if act < 0.25:
        return ",".join(_place(chance) for _ in range(chance.randint(1, 4)))
    if act < 0.32:
        return _word(chance)
    user = chance.choice(_USERS)
    password = chance.choice(_PASSWORDS)
    credentials = f"{user}:{password}@" if chance.random() < 0.5 else ""
    return f"{chance.choice(_SCHEMES)}{credentials}{_place(chance)}{chance.choice(_PATHS)}"


def _place(chance: random.Random) -> str:
    return chance.choice(_HOSTS) + chance.choice(_PORTS)


def _word(chance: random.Random) -> str:
    # A process can have no NUL in its environment.
    return chance.choice((*TEXTS, *_HOSTS)).replace("\0", "")


_TABLE: Final[dict[str, Callable[[random.Random], Any]]] = {
    "baseUrl": _address,
    "brokers": _address,
    "topic": _word,
    "group": _word,
    "allowed": lambda chance: [_word(chance) for _ in range(chance.randint(0, 3))],
    "containers": lambda chance: [_word(chance) for _ in range(chance.randint(0, 3))],
    "postgresDsnEnv": lambda chance: chance.choice((*_VARIABLES, _word(chance))),
    "redisUrlEnv": lambda chance: chance.choice((*_VARIABLES, _word(chance))),
}
