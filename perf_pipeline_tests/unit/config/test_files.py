"""What a profile, or a file that it names, can be instead of a text file."""

import os
from pathlib import Path

import pytest

from perf_pipeline.config.files import LARGEST_PROFILE_BYTES, read_text
from perf_pipeline.config.loading import load_profile
from perf_pipeline.errors import ProfileError


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    """Give the path of a profile that is not there yet."""
    return tmp_path / "odd.toml"


def told(profile: Path) -> str:
    """Load it and give the mistake."""
    with pytest.raises(ProfileError) as caught:
        load_profile(str(profile))
    assert len(str(caught.value)) < 2_000
    return str(caught.value)


def test_a_profile_that_is_not_there_is_told(profile: Path) -> None:
    assert "it can't be read: No such file or directory" in told(profile)


def test_a_folder_is_no_profile(profile: Path) -> None:
    profile.mkdir()

    assert "it is a folder, not a file" in told(profile)


def test_a_pipe_that_nobody_writes_to_is_not_waited_for(profile: Path) -> None:
    os.mkfifo(profile)

    assert "it is a pipe, not a file" in told(profile)


def test_a_device_without_an_end_is_not_read(profile: Path) -> None:
    profile.symlink_to("/dev/zero")

    assert "it is a device, not a file" in told(profile)


def test_a_gigabyte_is_not_read(profile: Path) -> None:
    with profile.open("wb") as file:
        file.truncate(1 << 30)

    assert "it is too large; it may have at most 4 MiB" in told(profile)


def test_a_loop_of_links_is_told(profile: Path) -> None:
    profile.symlink_to(profile)

    assert "it can't be read: Too many levels of symbolic links" in told(profile)


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ('name = "a"'.encode("utf-16"), "it is written in UTF-16; save it as UTF-8"),
        (b'name = "a"\nd = "\xff"', "it is not UTF-8: byte 0xff in line 2"),
        (b'name = "a\0b"', "it is not valid TOML: "),
        (b"", "name is missing"),
        (b"\xef\xbb\xbf", "name is missing"),
        (b'extends = "quick.toml"', "extends is 'quick.toml'; it must be one of quick, ci, full"),
        (b"extends = 5", "extends is 5; it must be one of"),
        (b"extends = []", "extends is []; it must be one of"),
        (b"a = " + b"[" * 3_000, "its tables and lists are nested too deeply"),
        (
            b"seed = " + b"9" * 5_000,
            "it has a whole number of 5,000 digits; a number may have at most 19",
        ),
        (b"day = 2026-13-45", "it is not valid TOML: "),
    ],
    ids=[
        "utf-16",
        "latin-1",
        "nul",
        "empty",
        "only-a-mark",
        "extends-a-file",
        "extends-a-number",
        "extends-a-list",
        "deep",
        "digits",
        "no-date",
    ],
)
def test_what_is_no_profile_is_told_in_a_sentence(
    profile: Path, written: bytes, sentence: str
) -> None:
    profile.write_bytes(written)

    assert sentence in told(profile)


def test_a_byte_order_mark_is_no_part_of_a_profile(profile: Path) -> None:
    profile.write_bytes(b'\xef\xbb\xbfextends = "quick"\nseed = 5\n')

    assert load_profile(str(profile)).seed == 5


def test_a_file_name_with_a_nul_is_told() -> None:
    with pytest.raises(ValueError, match="its name contains a NUL"):
        read_text(Path("a\0b"), LARGEST_PROFILE_BYTES)
