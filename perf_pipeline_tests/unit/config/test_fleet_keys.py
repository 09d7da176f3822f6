"""The section [fleet] of a profile."""

import json

import pytest

from perf_pipeline.config.fleet import FleetConfig
from perf_pipeline.config.loading import load_profile, validate_profile
from perf_pipeline.errors import ProfileError


def test_generators_are_the_workers_of_a_run() -> None:
    alone = load_profile("quick")
    given = {"fleet.address": "tls://fleet.example:8786"}
    profile = load_profile("quick", {**given, "fleet.generators": 8})

    assert load_profile("quick", given).workers == alone.workers == 2
    assert profile.workers == 8
    # Where the hosts are is no part of a run's identity; how many load is.
    assert load_profile("quick", given).config_hash == alone.config_hash
    assert profile.load_hash("cache_benchmark") != alone.load_hash("cache_benchmark")


@pytest.mark.parametrize(
    ("address", "is_open"),
    [
        ("tcp://10.0.0.1:8786", True),
        ("tls://10.0.0.1:8786", False),
        ("tcp://127.0.0.1:8786", False),
        ("tcp://[::1]:8786", False),
    ],
)
def test_what_others_can_read_is_told_by_the_address(address: str, is_open: bool) -> None:
    assert FleetConfig(address=address).is_open is is_open


@pytest.mark.parametrize("address", ["fleet.example:8786", "tcp://fleet.example", "udp://x:1", ""])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(ProfileError, match=r"fleet\.address"):
        load_profile("quick", {"fleet.address": address})


def test_only_a_fleet_has_more_workers_than_one_machine_may_have() -> None:
    fleet = {"fleet.address": "tls://fleet.example:8786"}

    assert load_profile("quick", {**fleet, "fleet.generators": 256}).workers == 256
    assert load_profile("quick", {**fleet, "workers": 200}).workers == 200
    with pytest.raises(ProfileError, match="workers is 65; without a fleet it must be at most 64"):
        load_profile("quick", {"workers": 65})
    with pytest.raises(
        ProfileError, match=r"fleet.generators is 257; it must be between 1 and 256"
    ):
        load_profile("quick", {**fleet, "fleet.generators": 257})


def test_a_stored_profile_says_how_many_workers_loaded_without_its_fleet() -> None:
    fleet = {"fleet.address": "tls://fleet.example:8786", "fleet.generators": 200}

    stored = json.loads(load_profile("quick", fleet).as_json)

    assert "fleet" not in stored
    assert validate_profile(stored, "the history").workers == 200
