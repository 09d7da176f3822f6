"""Divide the plan among the workers: worker i of n takes every n-th start and VU.

Add here: another thing that workers divide. Keep out: processes (engine/processes.py).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from perf_pipeline.config.executors.kinds import Executor

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Stripe:
    """Hold one worker's share; together the shares cover the plan once.

    Attributes:
        index: the number of this share, from 0.
        count: how many shares there are.
    """

    index: int
    count: int

    def of(self, plan: Iterable[T]) -> Iterator[T]:
        """Return the elements index, index + count, index + 2*count ... of a plan, lazily."""
        return islice(plan, self.index, None, self.count)

    def share(self, total: int) -> int:
        """Count how many of `total` elements are ours.

        >>> [Stripe(i, 3).share(10) for i in range(3)]
        [4, 3, 3]
        """
        return len(range(self.index, total, self.count))

    def vus(self, total: int) -> range:
        """Return the numbers of our VUs among 1..total; VU v belongs to share (v - 1) % count.

        >>> list(Stripe(1, 2).vus(5))
        [2, 4]
        """
        return range(self.index + 1, total + 1, self.count)


def stripe_of(executor: Executor, worker: int, workers: int) -> Stripe | None:
    """Return a worker's share of a scenario; None when there are fewer VUs than workers.

    A share without a VU would drop all its starts, so no more workers take part than the scenario
    has VUs.
    """
    count = min(workers, executor.most_vus)
    return Stripe(worker, count) if worker < count else None
