"""A worker's files on their way from its host, into files of a folder here."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from perf_pipeline.fleet.arriving import ArrivingSpool
from perf_pipeline.fleet.departing import DepartingSpool
from perf_pipeline.fleet.frames import FrameKind

ROWS, KINDS = "samples-main-1.npy", "kinds-samples-main-1.csv"


class Way:
    """Take what a host sends, and hold it until it arrives here."""

    def __init__(self, folder: Path) -> None:
        self.there, self.here = folder / "there", folder / "here"
        self.there.mkdir()
        self.here.mkdir()
        self.frames: list[tuple[FrameKind, bytes]] = []
        self.departing = DepartingSpool(self.there, lambda *frame: self.frames.append(frame))
        self.arriving = ArrivingSpool(self.here, "main", 1)

    def arrive(self) -> list[str]:
        """Let all arrive; name the files that are not whole after the last of it."""
        missing: list[str] = []
        for kind, payload in self.frames:
            if kind is FrameKind.CHUNK:
                self.arriving.take(payload)
            else:
                missing = self.arriving.missing(payload)
        self.frames.clear()
        return missing


@pytest.fixture
def way(tmp_path: Path) -> Iterator[Way]:
    made = Way(tmp_path)
    yield made
    made.arriving.close()


def test_a_file_that_grows_and_gets_its_head_last_arrives_as_it_is(way: Way) -> None:
    rows = way.there / ROWS
    rows.write_bytes(b"head----" + b"x" * 600_000)
    way.departing.send_new()
    way.arrive()
    assert (way.here / ROWS).read_bytes() == rows.read_bytes()

    with rows.open("r+b") as file:
        file.write(b"HEAD")
        file.seek(0, 2)
        file.write(b"y" * 10)
    (way.there / "ledger-main-1.csv").touch()
    way.departing.send_rest()

    assert way.arrive() == []
    assert (way.here / ROWS).read_bytes() == rows.read_bytes()
    assert (way.here / "ledger-main-1.csv").read_bytes() == b""


def test_kinds_are_sent_before_the_rows_that_refer_to_them(way: Way) -> None:
    (way.there / ROWS).write_bytes(b"rows")
    (way.there / KINDS).write_bytes(b"kinds")
    way.departing.send_new()

    names = [KINDS if KINDS.encode() in payload else ROWS for _, payload in way.frames]
    assert names == [KINDS, KINDS, ROWS, ROWS]  # each is begun, and then written to


def test_a_file_that_did_not_arrive_whole_is_named(way: Way) -> None:
    (way.there / ROWS).write_bytes(b"rows")
    (way.there / KINDS).write_bytes(b"kinds")
    way.departing.send_rest()
    lost = [frame for frame in way.frames if b"rows" not in frame[1] or frame[0] is FrameKind.SUMS]
    way.frames[:] = lost

    assert way.arrive() == [ROWS]


def test_a_chunk_that_changed_on_the_way_is_refused(way: Way) -> None:
    (way.there / ROWS).write_bytes(b"rows")
    way.departing.send_new()
    kind, payload = way.frames[-1]
    way.frames[-1] = kind, payload[:-1] + b"z"

    with pytest.raises(ValueError, match=f"a chunk of {ROWS} arrived damaged"):
        way.arrive()


@pytest.mark.parametrize("name", ["samples-main-0.npy", "../outcome.json", "run.json", "seal-x"])
def test_a_host_writes_files_of_its_own_worker_only(way: Way, name: str) -> None:
    ours = ArrivingSpool(way.here, "main", 1)
    head = len(name).to_bytes(2, "little") + bytes(12)  # place 0; the CRC-32 of nothing is 0
    with pytest.raises(ValueError, match="which is not a file of this worker"):
        ours.take(head + name.encode())

    assert list(way.here.iterdir()) == []


def test_sums_are_json(way: Way) -> None:
    # `printf rows | gzip -c | tail -c8 | od -t u4` tells CRC-32 and size.
    (way.there / ROWS).write_bytes(b"rows")
    way.departing.send_rest()

    assert json.loads(way.frames[-1][1]) == {ROWS: [4, 176_944_289]}
