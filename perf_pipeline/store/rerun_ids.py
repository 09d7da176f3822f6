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
    """Return the indices of the runs that are re-runs of others of these runs.

    >>> sorted(repeats_in(["a", "a-c1", "b-c1"]))
    [1]
    """
    known = frozenset(run_ids)
    return frozenset(index for index, run in enumerate(run_ids) if rerun_of(run) in known)
