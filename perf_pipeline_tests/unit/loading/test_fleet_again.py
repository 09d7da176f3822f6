"""A fleet is asked before each load, because its hosts may have been replaced since."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import pytest

from perf_pipeline.config.hosts import Place
from perf_pipeline.config.target import Target
from perf_pipeline.errors import GeneratorLimitError
from perf_pipeline.fleet.driver_link import DriverLink
from perf_pipeline.fleet.fleet import Fleet
from perf_pipeline.fleet.host import HostFacts, facts_here
from perf_pipeline.loading.fleet import fit_again

SHOP = Target(
    name="shop",
    base_url="http://shop.example:8000",
    postgres_dsn=None,
    brokers=None,
    topic="",
    group="",
    redis_url=None,
    allowed=("shop.example",),
)
LIKE = replace(facts_here(), network="its own", cores=2)


class ToldHosts:
    """Have the hosts that a test names, and ask them nothing; implements `FleetEngine`."""

    def __init__(self, now: Mapping[str, HostFacts]) -> None:
        self._now = now

    def facts(self, _: Sequence[Place]) -> Mapping[str, HostFacts]:
        """Tell what the test says."""
        return self._now

    def links(self, _: int) -> Iterator[tuple[str, DriverLink]]:
        """Start nothing."""
        return iter(())


def at_the_begin(now: Mapping[str, HostFacts]) -> Fleet:
    """Return a fleet that had two hosts, and has those of now."""
    return Fleet(ToldHosts(now), {"a": LIKE, "b": LIKE})


def test_a_host_that_was_replaced_by_its_like_does_the_next_load() -> None:
    assert fit_again(at_the_begin({"a": LIKE, "c": LIKE}), SHOP).facts == {"a": LIKE, "c": LIKE}


@pytest.mark.parametrize(
    ("now", "told"),
    [
        ({"a": LIKE}, "1 host, cores 2 now, 2 hosts, cores 2 2 then"),
        ({"a": LIKE, "c": replace(LIKE, cores=1)}, "2 hosts, cores 1 2 now, 2 hosts, cores 2 2"),
        ({"a": LIKE, "c": replace(LIKE, refused=("shop.example",))}, "c may not load shop.example"),
        ({"a": LIKE, "c": replace(LIKE, code="0ther")}, "the perf_pipeline of c differs"),
    ],
)
def test_a_fleet_that_is_another_one_loads_nothing(now: dict[str, HostFacts], told: str) -> None:
    with pytest.raises(GeneratorLimitError) as raised:
        fit_again(at_the_begin(now), SHOP)

    assert told in raised.value.sentence
    assert raised.value.sentence.endswith("nothing was sent")
