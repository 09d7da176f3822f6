"""A formatted storage: by Kafka's tool once, then from what it wrote, each with ids of its own."""

from pathlib import Path

import pytest

from perf_pipeline.errors import StackError
from perf_pipeline.stack.kafka_storage import format_storage


def ids_of(data: Path) -> dict[str, str]:
    lines = (data / "meta.properties").read_text(encoding="ascii").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def a_tool(data: Path, asked: list[str]) -> None:
    data.mkdir(parents=True)
    (data / "bootstrap.checkpoint").write_bytes(b"levels of features")
    (data / "meta.properties").write_text(f"cluster.id={asked[-1]}\n", encoding="ascii")


def test_the_tool_formats_the_first_storage_and_what_it_wrote_the_later_ones(
    tmp_path: Path,
) -> None:
    jars, asked = tmp_path / "jars", list[str]()
    jars.mkdir()

    def by_tool(cluster: str) -> None:
        asked.append(cluster)
        a_tool(tmp_path / "1", asked)

    for name in ("1", "2", "3"):
        format_storage(tmp_path / name, jars, by_tool)

    assert len(asked) == 1
    assert [path.name for path in jars.iterdir()] == ["bootstrap.checkpoint"]
    for name in ("2", "3"):
        assert (tmp_path / name / "bootstrap.checkpoint").read_bytes() == b"levels of features"
        found = ids_of(tmp_path / name)
        assert found.keys() == {"node.id", "version", "cluster.id", "directory.id"}
        # Kafka's Uuid: 16 bytes in base64 without padding.
        assert {len(found["cluster.id"]), len(found["directory.id"])} == {22}
    clusters = {ids_of(tmp_path / name)["cluster.id"] for name in ("1", "2", "3")}
    assert len(clusters) == 3


def test_a_copy_that_fails_leaves_no_draft_and_the_storage_is_formatted_all_the_same(
    tmp_path: Path,
) -> None:
    jars = tmp_path / "jars"
    jars.mkdir()

    # A folder in the place of the file that is kept: the copy is made, and can't take its name.
    def by_tool(cluster: str) -> None:
        a_tool(tmp_path / "1", [cluster])
        (jars / "bootstrap.checkpoint" / "in the way").mkdir(parents=True)

    format_storage(tmp_path / "1", jars, by_tool)

    assert [path.name for path in jars.iterdir()] == ["bootstrap.checkpoint"]
    assert ids_of(tmp_path / "1")


def test_a_tool_that_fails_leaves_nothing_for_later_storages(tmp_path: Path) -> None:
    def by_tool(_: str) -> None:
        (tmp_path / "1").mkdir()
        raise StackError("the storage cannot be formatted")

    with pytest.raises(StackError):
        format_storage(tmp_path / "1", tmp_path, by_tool)

    assert not (tmp_path / "bootstrap.checkpoint").exists()
