"""Jars come from a real Maven repository over HTTP, and only with the locked SHA-256."""

import functools
import hashlib
import http.server
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from perf_pipeline.errors import StackError
from perf_pipeline.stack.jars import (
    FetchError,
    ensure_jars,
    fetch_with_jgo,
    fetch_with_maven,
    jars_folder,
    missing_jars,
)
from perf_pipeline.stack.kafka_lock import Jar, Lock, read_lock, write_lock
from perf_pipeline.stack.parts import CannotBeHadError
from perf_pipeline_tests.support.servers.serving import serving
from perf_pipeline_tests.support.silent import hush

CONTENT = b"a jar, as far as its checksum goes"
RIGHT = Jar("org.example", "thing", "1.0", hashlib.sha256(CONTENT).hexdigest())
WRONG = Jar("org.example", "thing", "1.0", "0" * 64)


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Keep the test's output free of requests."""


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[str]:
    """Serve `org.example:thing:1.0` as a Maven repository on loopback."""
    root = tmp_path / "repository"
    folder = root / "org/example/thing/1.0"
    folder.mkdir(parents=True)
    (folder / "thing-1.0.jar").write_bytes(CONTENT)
    handler = functools.partial(Quiet, directory=root)
    with serving(handler) as base_url:
        yield base_url


def refuse(_jars: Sequence[Jar], _folder: Path) -> None:
    raise FetchError("no network")


def test_a_missing_jar_is_fetched_once_and_then_taken_from_the_cache(
    tmp_path: Path, repository: str
) -> None:
    lock, said = Lock("9.9", (RIGHT,)), list[str]()
    fetch = functools.partial(fetch_with_jgo, remotes={"here": repository})
    folder = ensure_jars(lock, tmp_path / "cache", say=said.append, fetches=[fetch])
    assert (folder / "thing-1.0.jar").read_bytes() == CONTENT
    assert [path.name for path in folder.iterdir()] == ["thing-1.0.jar"]
    assert ensure_jars(lock, tmp_path / "cache", say=said.append, fetches=[refuse]) == folder
    assert said == ["fetching Apache Kafka 9.9: 1 of 1 jars, once ..."]


def test_a_wrong_checksum_is_refused_and_nothing_is_kept(tmp_path: Path, repository: str) -> None:
    lock = Lock("9.9", (WRONG,))
    fetch = functools.partial(fetch_with_jgo, remotes={"here": repository})
    with pytest.raises(StackError, match=r"org.example:thing:1.0 does not match the lock"):
        ensure_jars(lock, tmp_path / "cache", say=hush, fetches=[fetch])
    assert list(jars_folder(lock, tmp_path / "cache").iterdir()) == []


def test_a_damaged_cached_jar_is_fetched_anew(tmp_path: Path, repository: str) -> None:
    lock = Lock("9.9", (RIGHT,))
    folder = jars_folder(lock, tmp_path / "cache")
    folder.mkdir(parents=True)
    (folder / RIGHT.filename).write_bytes(CONTENT[:5])
    assert missing_jars(lock, tmp_path / "cache") == [RIGHT]
    fetch = functools.partial(fetch_with_jgo, remotes={"here": repository})
    ensure_jars(lock, tmp_path / "cache", say=hush, fetches=[fetch])
    assert (folder / RIGHT.filename).read_bytes() == CONTENT


def test_every_way_that_failed_is_named_with_the_alternatives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))  # no mvn here
    nowhere = functools.partial(fetch_with_jgo, remotes={"nowhere": "http://127.0.0.1:1"})
    with pytest.raises(CannotBeHadError) as caught:
        ensure_jars(
            Lock("9.9", (RIGHT,)),
            tmp_path / "cache",
            say=hush,
            fetches=[nowhere, fetch_with_maven],
        )
    assert "jgo: " in caught.value.sentence
    assert "mvn: " in caught.value.sentence
    assert "PERF_KAFKA_BROKERS" in caught.value.hint


def test_the_shipped_lock_is_what_its_writer_writes(tmp_path: Path) -> None:
    lock = read_lock()
    write_lock(lock, tmp_path / "again.toml")
    assert read_lock(tmp_path / "again.toml") == lock
    assert {len(jar.sha256) for jar in lock.jars} == {64}
    assert "kafka_2.13" in {jar.artifact for jar in lock.jars}
