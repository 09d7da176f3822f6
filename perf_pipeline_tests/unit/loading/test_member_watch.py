"""When times of messages hold, by what was seen of the groups that worked on them."""

import pytest

from perf_pipeline.loading.member_watch import SeenHolders, WorkerLooks
from perf_pipeline.stack.kafka_group import Holder

S = 1_000_000
ALONE = frozenset({Holder("g", "a", 0), Holder("g", "a", 1)})
TWO = frozenset({Holder("g", "a", 0), Holder("g", "b", 1)})
NOBODY = frozenset[Holder]()


def looks(*seen: tuple[float, frozenset[Holder]], answered_after_s: float = 0.0) -> WorkerLooks:
    found = tuple(
        SeenHolders(int(at_s * S), int((at_s + answered_after_s) * S), holders)
        for at_s, holders in seen
    )
    steady = tuple(SeenHolders(at_s * S, at_s * S, ALONE) for at_s in (0, 4, 8))
    return WorkerLooks((("baseline", "orders", steady), ("candidate", "orders-new", found)))


@pytest.mark.parametrize(
    "seen",
    [
        looks((0, ALONE), (3, ALONE), (7, ALONE)),
        looks((0, ALONE), (2, NOBODY), (4, TWO), (9, TWO)),
        looks((0, NOBODY), (4, TWO), (9, TWO)),
        looks((0, ALONE), (4, ALONE), (9, ALONE), (11, TWO)),
        WorkerLooks(),
    ],
    ids=[
        "all stay",
        "one joins in the warm-up",
        "all join in the warm-up",
        "one leaves after the last message",
        "no topic",
    ],
)
def test_workers_that_stay_while_messages_are_measured_raise_no_doubt(seen: WorkerLooks) -> None:
    assert seen.doubt(5 * S, 10 * S) == ""


@pytest.mark.parametrize(
    ("seen", "second"),
    [
        (looks((0, ALONE), (4, ALONE), (8, TWO), (9, TWO)), 3),
        (looks((0, TWO), (6, NOBODY), (9, ALONE)), 1),
        (looks((0, NOBODY), (9, ALONE)), 4),
        (looks((6, ALONE), (9, TWO)), 4),
        # Asked at 4.5, answered at 5.5: nobody knows whether it was so at 5, so that of 1.5 counts.
        (looks((0.5, ALONE), (4.5, TWO), (8, TWO), answered_after_s=1.0), 0),
    ],
    ids=[
        "one joins later",
        "one leaves",
        "all come later",
        "nothing was seen before",
        "one joins as the measurement begins",
    ],
)
def test_workers_that_come_or_go_after_the_warm_up_are_told(seen: WorkerLooks, second: int) -> None:
    told = seen.doubt(5 * S, 10 * S)

    assert told.startswith(
        "the partitions of the candidate's topic orders-new were dealt out again among its workers "
        f"by second {second} of the measurement, "
    )


@pytest.mark.parametrize(
    "seen",
    [
        looks(),
        looks((0, NOBODY), (4, NOBODY), (8, NOBODY)),
        looks((4, ALONE)),
        looks((8, ALONE), (9, ALONE)),
        looks((4, ALONE), (10.5, ALONE)),
        looks((3, ALONE), (9, ALONE)),
        looks((0, ALONE), (4, NOBODY), (8, NOBODY)),
    ],
    ids=[
        "brokers said nothing",
        "workers in no group that is told of",
        "only the first look was answered",
        "only the last looks were answered",
        "no look before the last message",
        "6 s without a look",
        "nobody was left at the begin",
    ],
)
def test_workers_that_nobody_could_see_are_told(seen: WorkerLooks) -> None:
    told = seen.doubt(5 * S, 10 * S)

    assert told.startswith(
        "nobody could see all the time who works on the candidate's topic orders-new, so that "
        "workers may have come or gone while messages were measured; "
    )
