"""Make and read the ids of re-runs, in one place.

Add here: another thing that the id of a run tells. Keep out: what re-runs say (judging/reruns.py).
"""

import re
from collections.abc import Sequence
from typing import Final

_ID: Final = re.compile(r"(.+)-c\d+", re.DOTALL)


def rerun_id(run_id: str, number: int) -> str:
    """Return the id of a run's re-run, the first of which is 1."""
    return f"{run_id}-c{number}"


def rerun_of(run_id: str) -> str:
    """Return the id of the run that a re-run confirms; empty for an id that is no re-run's.

    >>> rerun_of("20261128-224435-15c055-c1"), rerun_of("nightly-ci")
    ('20261128-224435-15c055', '')
    """
    found = _ID.fullmatch(run_id)
    return found[1] if found else ""


def repeats_in(run_ids: Sequence[str]) -> frozenset[int]:
    """Return the indices of the runs that are of the same minutes as others of these runs.

    Where a run itself is missing, the first of its re-runs stands for it.

    >>> sorted(repeats_in(["a", "a-c1", "b-c1", "b-c2"]))
    [1, 3]
    """
    known, found = set(run_ids), set[int]()
    for index, run_id in enumerate(run_ids):
        original = rerun_of(run_id)
        if original in known:
            found.add(index)
        elif original:
            known.add(original)
    return frozenset(found)
