"""Two sides of a comparison that take turns, because whoever is second meets the other's traces.

Add here: another order of rounds. Keep out: what is measured (the other modules of this folder).
"""

from collections.abc import Callable, Mapping
from typing import TypeVar

Kind = TypeVar("Kind")


def in_turns(
    cases: Mapping[Kind, tuple[Callable[[], float], Callable[[], float]]], rounds: int
) -> dict[Kind, tuple[list[float], list[float]]]:
    """Measure both sides of each case once a round; give each side's figures, by the case."""
    found: dict[Kind, tuple[list[float], list[float]]] = {case: ([], []) for case in cases}
    for number in range(rounds):
        for case, both in cases.items():
            # Who is second meets the other's dead rows and caches: they take turns.
            for side in (0, 1) if number % 2 == 0 else (1, 0):
                found[case][side].append(both[side]())
    return found
