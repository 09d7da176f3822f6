"""A rebalance lasts from the first loss of partitions to the next assignment."""

from perf_pipeline.workloads.kafka.rebalances import Rebalances


def test_the_first_assignment_is_no_rebalance() -> None:
    found = Rebalances()
    found.ended(5)

    assert found.taken() == []


def test_partitions_that_are_taken_away_twice_make_one_rebalance_that_is_told_once() -> None:
    found = Rebalances()
    found.began(10)
    found.began(12)
    found.ended(30)
    found.began(50)

    assert found.taken() == [(10, 30)]
    assert found.taken() == []
    found.ended(51)
    assert found.taken() == [(50, 51)]
