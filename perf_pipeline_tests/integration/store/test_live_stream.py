"""What a run tells while it goes on, as a file: followed, bounded, and dead when its run is."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from perf_pipeline.store.live_stream import LiveStream, StreamReader, ask_to_stop, is_asked_to_stop


def still_s() -> float:
    return 0.0


@pytest.fixture
def stream(tmp_path: Path) -> Iterator[LiveStream]:
    with closing(LiveStream(tmp_path / "live", still_s, quota_bytes=1_000)) as stream:
        yield stream


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[StreamReader]:
    with closing(StreamReader(tmp_path / "live")) as reader:
        yield reader


def is_alive(reader: StreamReader) -> bool:
    return reader.is_written


def events_of(reader: StreamReader) -> list[dict[str, Any]]:
    return [dict(event) for event in reader.new_events()]


def test_who_comes_late_gets_what_was_told_before_and_then_what_is_new(
    stream: LiveStream, reader: StreamReader
) -> None:
    stream.write("sentence", {"text": "é\n"})

    first, nothing = events_of(reader), events_of(reader)
    stream.write_progress({"benchmark": "shop"})

    assert [event["event"] for event in first] == ["begin", "sentence"]
    assert (first[0]["pid"], first[1]["text"], nothing) == (os.getpid(), "é\n", [])
    assert events_of(reader) == [{"event": "progress", "at_s": 0.0, "benchmark": "shop"}]


def test_a_new_run_takes_the_place_of_the_last_one(
    tmp_path: Path, stream: LiveStream, reader: StreamReader
) -> None:
    events_of(reader)
    assert ask_to_stop(tmp_path / "live")
    stream.close()

    with closing(LiveStream(tmp_path / "live", still_s)) as new:
        new.write("sentence", {"text": "new"})
        assert [event["event"] for event in events_of(reader)] == ["begin", "sentence"]
        assert is_alive(reader)

    assert not is_alive(reader)
    assert not is_asked_to_stop(tmp_path / "live")


def test_a_run_is_asked_to_stop_by_one_of_those_who_follow_it(tmp_path: Path) -> None:
    assert [ask_to_stop(tmp_path), ask_to_stop(tmp_path)] == [True, False]
    assert is_asked_to_stop(tmp_path)


def test_a_run_that_is_killed_is_not_taken_for_one_that_goes_on(
    tmp_path: Path, reader: StreamReader
) -> None:
    code = (
        "import sys, time; from pathlib import Path\n"
        "from perf_pipeline.store.live_stream import LiveStream\n"
        "stream = LiveStream(Path(sys.argv[1]), time.monotonic)\n"
        "print('begun', flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "live")], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert [event["pid"] for event in events_of(reader)] == [process.pid]
        assert is_alive(reader)
        process.kill()

    assert not is_alive(reader)
    assert events_of(reader) == []


def test_a_long_run_tells_its_progress_more_seldom_and_stays_small(
    tmp_path: Path, stream: LiveStream, reader: StreamReader
) -> None:
    """Some 100 bytes a line: ten or so, then every second one, then every fourth, and so on."""
    for second in range(2_000):
        stream.write_progress({"second": second, "filler": "x" * 50})

    seconds = [event["second"] for event in events_of(reader) if "second" in event]
    pauses = [later - earlier for earlier, later in pairwise(seconds)]

    assert pauses == sorted(pauses)
    assert (pauses[0], max(pauses)) == (1, 128)
    assert (tmp_path / "live" / "run.ndjson").stat().st_size < 10_000


def test_lines_that_are_cut_off_or_no_events_are_left_out(
    tmp_path: Path, reader: StreamReader
) -> None:
    path = tmp_path / "live" / "run.ndjson"
    path.parent.mkdir()
    path.write_bytes(b'{"event":"begin"}\nnonsense\n[1]\n{"event":1}\n\xff\n{"event":"sent')

    assert events_of(reader) == [{"event": "begin"}]
    with path.open("ab") as file:
        file.write(b'ence"}\n')
    assert events_of(reader) == [{"event": "sentence"}]


def test_a_folder_that_cannot_be_written_ends_no_run(tmp_path: Path, reader: StreamReader) -> None:
    (tmp_path / "live").write_text("a file")

    stream = LiveStream(tmp_path / "live", still_s)
    stream.write("sentence", {"text": "lost"})
    stream.close()

    assert events_of(reader) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")
def test_a_disk_that_is_full_ends_no_run(stream: LiveStream, reader: StreamReader) -> None:
    assert stream._file is not None
    stream._file.close()
    with Path("/dev/full").open("wb", buffering=0) as full:
        stream._file = full
        stream.write("sentence", {"text": "lost"})
        stream.write("sentence", {"text": "lost as well"})

    assert [event["event"] for event in events_of(reader)] == ["begin"]
