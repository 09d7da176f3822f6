"""Say what a tier spent its time on, and what of it is new: the level below "the database is slow".

Add here: another kind of cost. Keep out: how costs are read (probes/), SQL, and layout.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from types import MappingProxyType
from typing import Final

from perf_pipeline.metrics.cost import Cost

MOST: Final = 3
# Below this nobody would look, whatever it was before: a look is a tenth of a second.
_LEAST_S: Final = 0.1
# As of a message's stages (attribution_rules.py): it has changed when it is twice what it was.
_CHANGED_RATIO: Final = 2.0
# Five looks: fewer are seen or missed by chance.
_CHANGED_S: Final = 0.5
_LONGEST_IN_A_SENTENCE: Final = 80
WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "wait": "its sessions' time went into",
        "statement": "its statements that took longest",
        "function": "its Python functions that took longest",
        "request": "its requests' time went into",
    }
)


@dataclass(frozen=True, slots=True)
class TopCost:
    """Hold one of the largest costs of a tier.

    Attributes:
        cost: as it was seen.
        share: the share of all costs of its kind, 0 to 1.
        before_s: median over the earlier runs that looked into its tier, 0 for those without it;
            None without such runs.
    """

    cost: Cost
    share: float
    before_s: float | None = None

    @property
    def has_grown(self) -> bool:
        """Say whether it is at least twice what it was, by an amount that matters."""
        if self.before_s is None:
            return False
        return (
            self.cost.value >= _CHANGED_RATIO * self.before_s
            and self.cost.value - self.before_s >= _CHANGED_S
        )

    def __str__(self) -> str:
        cost = self.cost
        parts = [f"{100 * self.share:.0f} %", _seconds(cost.value)]
        if cost.calls:
            parts.append(f"{cost.calls:,} calls")
        if self.before_s is not None:
            parts.append(f"{_seconds(self.before_s)} before")
        if self.has_grown:
            parts.append("grown")
        return f"{_short(cost.name)} ({', '.join(parts)})"


def top_costs(costs: Sequence[Cost], earlier: Sequence[Sequence[Cost]] = ()) -> list[TopCost]:
    """Return the three largest costs of each kind of each tier, kinds in the order of `WORDS`.

    Args:
        costs: the costs of one run.
        earlier: the costs of the same load in earlier runs, an entry for each run.
    """
    found = []
    for tier in dict.fromkeys(cost.tier for cost in costs):
        for kind in WORDS:
            alike = [cost for cost in costs if (cost.tier, cost.kind) == (tier, kind)]
            whole_s = sum(cost.value for cost in alike)
            found += [
                TopCost(cost, cost.value / whole_s, _before(cost, earlier))
                for cost in sorted(alike, key=lambda cost: -cost.value)[:MOST]
                if cost.value >= _LEAST_S
            ]
    return found


def told(costs: Iterable[TopCost]) -> Iterator[str]:
    """Yield a clause for each kind of cost, with its largest."""
    by_kind: dict[str, list[TopCost]] = {}
    for top in costs:
        by_kind.setdefault(top.cost.kind, []).append(top)
    for kind, largest in by_kind.items():
        yield f"{WORDS[kind]}: {', '.join(map(str, largest))}"


def _before(cost: Cost, earlier: Sequence[Sequence[Cost]]) -> float | None:
    looked = [run for run in earlier if any(old.tier == cost.tier for old in run)]
    if not looked:
        return None
    return median(
        sum(old.value for old in run if _identity(old) == _identity(cost)) for run in looked
    )


def _identity(cost: Cost) -> tuple[str, str, str]:
    return cost.tier, cost.kind, cost.name


def _short(name: str) -> str:
    """Cut a statement, which stands whole in the table of costs."""
    return (
        name if len(name) <= _LONGEST_IN_A_SENTENCE else f"{name[: _LONGEST_IN_A_SENTENCE - 4]} ..."
    )


def _seconds(value: float) -> str:
    return f"{value:.1f} s" if value < 100 else f"{value:,.0f} s"
