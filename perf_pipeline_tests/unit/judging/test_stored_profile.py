"""A profile that runs were stored with is checked once, and its mistakes are told of each run."""

import json

import pytest

from perf_pipeline.config.loading import load_profile
from perf_pipeline.errors import ProfileError
from perf_pipeline.judging.stored_profile import stored_profile

STORED = load_profile("quick").as_json


def test_runs_with_the_same_profile_share_what_was_read_of_it() -> None:
    one, other = stored_profile(STORED, "of run r1"), stored_profile(STORED, "of run r2")

    assert one is other
    assert one == load_profile("quick")


def test_another_profile_is_read_as_what_it_is() -> None:
    slower = json.dumps({**json.loads(STORED), "name": "slower"})

    assert stored_profile(slower, "of run r1").name == "slower"
    assert stored_profile(STORED, "of run r1").name == "quick"


def test_a_mistake_is_told_with_the_run_that_is_asked_for() -> None:
    wrong = json.dumps({**json.loads(STORED), "wokers": 2})

    for source in ("of run r1", "of run r2"):
        with pytest.raises(ProfileError, match=source) as caught:
            stored_profile(wrong, source)
        assert "wokers" in str(caught.value)
