"""When partitions were given to others while messages were measured, by what was seen of groups."""

import pytest

from perf_pipeline.loading.member_watch import SeenHolders, WorkerLooks
from perf_pipeline.stack.kafka_group import Holder

S = 1_000_000
ALONE = frozenset({Holder("g", "a", 0), Holder("g", "a", 1)})
TWO = frozenset({Holder("g", "a", 0), Holder("g", "b", 1)})
NOBODY = frozenset[Holder]()


def looks(*seen: tuple[int, frozenset[Holder]]) -> WorkerLooks:
    found = tuple(SeenHolders(at_s * S, holders) for at_s, holders in seen)
    steady = (SeenHolders(0, ALONE), SeenHolders(9 * S, ALONE))
    return WorkerLooks((("baseline", "orders", steady), ("candidate", "orders-new", found)))


@pytest.mark.parametrize(
    ("seen", "second"),
    [
        (looks((0, ALONE), (3, ALONE), (9, ALONE)), None),
        (looks((0, ALONE), (2, NOBODY), (4, TWO), (9, TWO)), None),
        (looks((0, ALONE), (4, ALONE), (8, TWO), (9, TWO)), 3),
        (looks((0, TWO), (6, NOBODY), (9, ALONE)), 1),
        (looks((0, NOBODY), (9, ALONE)), 4),
        (looks((6, ALONE), (9, TWO)), 4),
        (looks(), None),
        (WorkerLooks(), None),
    ],
    ids=[
        "all stay",
        "one joins in the warm-up",
        "one joins later",
        "one leaves",
        "all come later",
        "nothing was seen before",
        "brokers said nothing",
        "no topic",
    ],
)
def test_workers_that_come_or_go_after_the_warm_up_are_told(
    seen: WorkerLooks, second: int | None
) -> None:
    told = seen.moved(5 * S)

    if second is None:
        assert told == ""
    else:
        assert told.startswith(
            "the partitions of the candidate's topic orders-new were shared anew among its workers "
            f"by second {second} of the measurement, "
        )
