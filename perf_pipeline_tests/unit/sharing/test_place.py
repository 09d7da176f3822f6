"""Places that cannot be used are refused before anything is asked of them, in one sentence."""

import pytest

from perf_pipeline.config.loading import load_profile
from perf_pipeline.errors import PerfPipelineError, ProfileError
from perf_pipeline.sharing.place import open_place


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("gs://bucket/speed", "gs://bucket/speed needs the package gcsfs, which is not installed"),
        ("abfs://c/speed", "abfs://c/speed needs the package adlfs, which is not installed"),
        ("smb://h/speed", "smb://h/speed needs the package smbprotocol, which is not installed"),
        ("wonder://b", "wonder://b is in no kind of place that is known: "),
        ("memory://speed", "the place 'memory://speed' is gone when the command ends"),
        ("  ", "the place '  ' is empty, or has letters that no address has"),
        (
            "sftp://me:s3cr3t@h/a",
            "the place of the history holds a password; credentials",
        ),
    ],
)
def test_a_place_that_cannot_be_used_is_refused_in_one_sentence(url: str, sentence: str) -> None:
    with pytest.raises(PerfPipelineError) as caught:
        open_place(url)

    assert str(caught.value).startswith(sentence)
    assert caught.value.exit_code == 104
    assert "s3cr3t" not in str(caught.value)


def test_a_profile_with_such_a_place_has_a_mistake() -> None:
    with pytest.raises(ProfileError, match="the URL holds a password"):
        load_profile("quick", {"history.remote": "sftp://me:s3cr3t@h/a"}, environment={})


def test_the_variable_wins_over_the_profile_and_neither_is_part_of_its_identity() -> None:
    plain = load_profile("quick", environment={})
    named = load_profile("quick", environment={"PERF_HISTORY_REMOTE": "s3://b/speed"})
    given = load_profile(
        "quick", {"history.remote": "/mnt/a"}, environment={"PERF_HISTORY_REMOTE": ""}
    )

    assert plain.history.remote is None
    assert named.history.remote == "s3://b/speed"
    assert given.history.remote == "/mnt/a"
    assert plain.config_hash == named.config_hash == given.config_hash
