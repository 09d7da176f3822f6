"""Find which operations of a scenario follow others: they began after another one had ended.

For a scenario in Python, or one with loops, the profile does not say this, but its samples do.
Add here: another question about the order within an iteration. Keep out: verdicts (analysis/).
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray


def begins_behind_itself(rows: "NDArray[np.int64]") -> "NDArray[np.bool_]":
    """Say of each row of one operation whether another one of its iteration ended before it began.

    So it is in a loop, and behind a redirect: all its requests have one name.

    Args:
        rows: three rows of numbers, as of `operations_before`.
    """
    import numpy as np  # noqa: PLC0415 - see below

    iterations, began_us, ended_us = rows
    order = np.lexsort((ended_us, iterations))
    _, begins, place = np.unique(iterations[order], return_index=True, return_inverse=True)
    firsts = np.empty(
        len(order), np.int64
    )  # of each row, the row of its iteration that ended first
    firsts[order] = order[begins][place]
    is_other = firsts != np.arange(len(order))
    is_behind: NDArray[np.bool_] = is_other & (ended_us[firsts] <= began_us)
    return is_behind


def operations_before(rows: "Mapping[str, NDArray[np.int64]]") -> dict[str, frozenset[str]]:
    """Return by operation those that ended before it began in at least one iteration.

    Args:
        rows: by operation of one scenario, three rows of numbers: a number of the iteration, and
            when the operation began and ended in it.
    """
    import numpy as np  # noqa: PLC0415 - 0.1 s of import that few commands need

    iterations, places = np.unique(
        np.concatenate([found[0] for found in rows.values()]), return_inverse=True
    )
    cuts = np.cumsum([found.shape[1] for found in rows.values()])[:-1]
    size, limit = len(iterations), np.iinfo(np.int64)
    last: dict[str, NDArray[np.int64]] = {}
    first: dict[str, NDArray[np.int64]] = {}
    for (name, found), place in zip(rows.items(), np.split(places, cuts), strict=True):
        last[name] = np.full(size, limit.min)
        first[name] = np.full(size, limit.max)
        np.maximum.at(last[name], place, found[1])
        np.minimum.at(first[name], place, found[2])
    return {
        name: frozenset(
            other for other in rows if other != name and bool((first[other] <= last[name]).any())
        )
        for name in rows
    }
