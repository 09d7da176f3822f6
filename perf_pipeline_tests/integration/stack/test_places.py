"""Real servers in folders of odd names: their data are below the folder given, and nowhere else."""

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from perf_pipeline.errors import StackError
from perf_pipeline.stack.ending import dispose
from perf_pipeline.stack.kafka import launch_kafka
from perf_pipeline.stack.kafka_lock import read_lock
from perf_pipeline.stack.parts import Launched
from perf_pipeline.stack.places import PREFIX, plain_path
from perf_pipeline.stack.postgres import launch_postgres
from perf_pipeline.stack.process_register import this_process
from perf_pipeline.stack.redis import launch_redis
from perf_pipeline.stack.service import open_folder
from perf_pipeline_tests.support.places import CACHE
from perf_pipeline_tests.support.silent import hush

NAMES = {
    "blank": "my project",
    "quotes": 'Ada\'s "x"',
    "comma and colon": "a,b:c;d",
    "backslash": "a\\b",
    "shell": "$HOME `id` & %s #x",
    "line ends": "a\nb\rc",
    "umlauts": "müller",
    "decomposed": "mu\u0308ller",
    "other scripts": "日本語 🎉",
    "not UTF-8": os.fsdecode(b"m\xfcller"),
    "leading dash": "-D x",
    "final dots": "dots ...",
    "long": "/".join(["abcdefghij" * 10] * 3),
}


@pytest.fixture
def links(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give the folder in which links are made, empty; its path is short, wherever pytest's are."""
    with tempfile.TemporaryDirectory(dir="/tmp") as place:
        monkeypatch.setenv("TMPDIR", place)
        yield Path(place)


@pytest.fixture(params=list(NAMES.values()), ids=list(NAMES))
def odd(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """Give a stack's folder below one with an odd name, and end what was started in it."""
    folder = tmp_path / str(request.param) / "stack"
    open_folder(folder, owner=this_process())
    yield folder
    dispose(folder)


def started(launched: Launched | None) -> Launched:
    assert launched is not None
    launched.describe()
    return launched


def test_the_cache_starts_in_every_folder_and_leaves_no_link(odd: Path, links: Path) -> None:
    started(launch_redis(odd, say=hush))

    dispose(odd)

    assert not odd.exists()
    assert list(links.iterdir()) == []


# By initdb, and as copies of what that wrote.
@pytest.mark.parametrize(
    ("odd", "cache"),
    [(NAMES["shell"], None), (NAMES["line ends"], CACHE), (NAMES["not UTF-8"], CACHE)],
    indirect=["odd"],
)
def test_postgresql_keeps_its_rows_below_the_folder_given(
    odd: Path, cache: Path | None, links: Path
) -> None:
    dsn = started(launch_postgres(odd, say=hush, cache=cache)).endpoint

    with psycopg.connect(dsn) as connection:
        row = connection.execute("show data_directory").fetchone()

    assert row is not None
    assert Path(str(row[0])).resolve() == odd / "postgres"
    (place,) = links.iterdir()
    assert place.name.startswith(PREFIX)
    assert place.stat().st_mode & 0o066 == 0  # nobody else can list it


@pytest.fixture
def odd_cache(tmp_path: Path) -> Path:
    """Give a cache with all jars, in a folder that a class path would split."""
    folder = f"kafka-{read_lock().version}"
    cache = tmp_path / "ca:che, größe"
    (cache / folder).mkdir(parents=True)
    for jar in (CACHE / folder).glob("*.jar"):
        (cache / folder / jar.name).symlink_to(jar)
    return cache


@pytest.mark.parametrize("odd", ["a,b ü\\c"], indirect=True)
@pytest.mark.timeout(240)  # the very first start fetches 44 MB
def test_kafka_keeps_its_log_below_the_folder_given_whatever_the_locale(
    odd: Path, odd_cache: Path, links: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "C")
    monkeypatch.chdir(tmp_path)
    before = set(tmp_path.iterdir())

    started(launch_kafka(odd, odd_cache, say=hush))

    assert (odd / "kafka" / "data" / "meta.properties").exists()
    assert set(tmp_path.iterdir()) == before
    assert [path.name[: len(PREFIX)] for path in links.iterdir()] == [PREFIX]


def test_a_folder_that_java_cannot_name_is_refused_in_one_sentence(tmp_path: Path) -> None:
    folder = tmp_path / NAMES["not UTF-8"]
    open_folder(folder, owner=this_process())

    with pytest.raises(StackError, match=r"can't use the folder '.*m\\udcfcller': its name is"):
        launch_kafka(folder, CACHE, say=hush)


def test_without_a_plain_temporary_folder_the_remedy_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "a b"
    open_folder(folder, owner=this_process())
    monkeypatch.setattr("perf_pipeline.stack.places.FALLBACKS", ("/proc/no",))
    monkeypatch.setenv("TMPDIR", str(folder))

    with pytest.raises(StackError, match=r"can't use the path .*/a b as it is.*/proc/no") as it:
        plain_path(folder)

    assert "--state or PERF_STATE" in it.value.hint


def file_there(folder: Path) -> Path:
    folder.write_text("", encoding="utf-8")
    return folder / "x"


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (file_there, "a part of the path is a file"),
        (lambda _: Path("/proc/x"), "No such file or directory"),
        (lambda folder: folder / ("n" * 300), "the path is too long"),
    ],
    ids=["below a file", "in /proc", "a name of 300 letters"],
)
def test_a_folder_that_cannot_be_made_is_one_sentence_with_a_remedy(
    tmp_path: Path, make: Callable[[Path], Path], reason: str
) -> None:
    folder = make(tmp_path / "state")

    with pytest.raises(StackError, match=f"the folder .* can't be written: {reason}") as it:
        open_folder(folder, owner=this_process())

    assert "--state or PERF_STATE" in it.value.hint
