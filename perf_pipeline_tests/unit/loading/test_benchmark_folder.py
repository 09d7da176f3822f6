"""Files of a benchmark's folder that are written again and again while it goes on."""

from pathlib import Path

import pytest

from perf_pipeline.loading.benchmark_folder import write_whole


def test_a_file_that_is_written_again_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    file = tmp_path / "capacity.csv"
    write_whole(file, b"number\n1\n")
    write_whole(file, b"number\n1\n2\n")

    assert file.read_bytes() == b"number\n1\n2\n"
    assert [path.name for path in tmp_path.iterdir()] == ["capacity.csv"]


def test_a_file_that_cannot_be_written_leaves_the_one_before(tmp_path: Path) -> None:
    file = tmp_path / "capacity.csv"
    write_whole(file, b"number\n1\n")
    (tmp_path / "capacity.draft").mkdir()

    with pytest.raises(IsADirectoryError):
        write_whole(file, b"number\n1\n2\n")
    assert file.read_bytes() == b"number\n1\n"
