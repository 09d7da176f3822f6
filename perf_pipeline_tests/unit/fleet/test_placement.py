"""Which host gets which worker."""

import pytest

from perf_pipeline.fleet.placement import placed

HOSTS = {"a:1": "a", "a:2": "a", "b:1": "b"}


@pytest.mark.parametrize(
    ("count", "places"),
    [
        (1, ["a:1"]),
        (2, ["a:1", "b:1"]),  # hosts before processes of a host
        (3, ["a:1", "b:1", "a:2"]),
        (5, ["a:1", "b:1", "a:2", "b:1", "a:1"]),
    ],
)
def test_workers_are_spread_over_hosts_first(count: int, places: list[str]) -> None:
    assert placed(HOSTS, count) == places
