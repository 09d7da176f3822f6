"""Two sides of a comparison that take turns, because whoever is second meets the other's traces.

Add here: another order of rounds. Keep out: what is measured (the other modules of this folder).
"""

import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

Kind = TypeVar("Kind")
Figure = TypeVar("Figure")


def in_turns(
    cases: Mapping[Kind, tuple[Callable[[], Figure], Callable[[], Figure]]], rounds: int
) -> dict[Kind, tuple[list[Figure], list[Figure]]]:
    """Measure both sides of each case once a round; give each side's figures, by the case."""
    found: dict[Kind, tuple[list[Figure], list[Figure]]] = {case: ([], []) for case in cases}
    for number in range(rounds):
        for case, both in cases.items():
            # Who is second meets the other's dead rows and caches: they take turns.
            for side in (0, 1) if number % 2 == 0 else (1, 0):
                found[case][side].append(both[side]())
    return found


def print_medians(
    names: Sequence[str], sides: Sequence[str], found: Sequence[Sequence[Sequence[float]]]
) -> None:
    """Print a line for each figure: the median of each side, with the least and the most.

    Args:
        names: of the figures.
        sides: their names.
        found: the figures of each round, in the order of their names, by the side.
    """
    for number, name in enumerate(names):
        columns = []
        for side, its in zip(sides, found, strict=True):
            values = sorted(figures[number] for figures in its)
            middle = statistics.median(values)
            columns.append(f"{side} {middle:.2f} ({values[0]:.2f} to {values[-1]:.2f})")
        print(f"{name:>24}: {', '.join(columns)}")
