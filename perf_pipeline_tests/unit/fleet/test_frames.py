"""Frames are cut out of whatever pieces a stream comes in."""

import pytest

from perf_pipeline.fleet.frames import LONGEST_BYTES, FrameKind, FrameReader, packed


@pytest.mark.parametrize("piece", [1, 3, 1_000])
def test_frames_come_out_as_they_went_in(piece: int) -> None:
    sent = [
        (FrameKind.PING, b"12345678"),
        (FrameKind.START, b""),
        (FrameKind.CHUNK, bytes(range(256))),
    ]
    stream, reader = b"".join(packed(*frame) for frame in sent), FrameReader()
    pieces = [stream[at : at + piece] for at in range(0, len(stream), piece)]

    assert [frame for part in pieces for frame in reader.fed(part)] == sent


def test_what_is_no_frame_is_refused() -> None:
    with pytest.raises(ValueError, match="99"):
        list(FrameReader().fed(b"\x63\x00\x00\x00\x00"))  # a kind that nobody has
    with pytest.raises(ValueError, match="a frame of"):
        list(FrameReader().fed(b"\x01" + (LONGEST_BYTES + 1).to_bytes(4, "little")))
