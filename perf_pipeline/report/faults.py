"""Describe the faults of a benchmark for every report: what was broken, and the recovery.

Add here: another fact about a fault. Keep out: the rule of recovery (analysis/recovery.py).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from perf_pipeline.report import wording
from perf_pipeline.report.tables import ColumnKind, Table

_COLUMNS: Final[Mapping[str, ColumnKind]] = MappingProxyType(
    {
        "fault": "text",
        "begin": "number",
        "lasted": "number",
        "first effect": "text",
        "recovery": "text",
        "failed": "number",
        "slow": "number",
        "dropped": "number",
        "most waiting": "number",
        "lost": "number",
        "duplicated": "number",
    }
)
_LOST: Final = "fault_messages_lost"
_COUNTS: Final = MappingProxyType(
    {
        "fault_failed": "failed",
        "fault_slow": "slow",
        "fault_dropped": "dropped",
        "fault_backlog_peak": "messages waiting at most",
        _LOST: "lost",
        "fault_messages_duplicated": "duplicated",
    }
)
_TOLD_S: Final = 0.1


@dataclass(frozen=True, slots=True)
class FaultStory:
    """Hold what happened around one fault, in s since the benchmark's origin.

    Attributes:
        fault: the name of the fault.
        what: the part that it hit, or the command.
        began_s: when it was injected.
        undo_s: when its undo began.
        undone_s: when the undo was complete.
        effect_s: when its first effect showed; None if it had none.
        recovered_s: since when everything was as before; None if that was not seen.
        within_s: the precision of these two; None if nothing could be judged.
        figures: the fault's metrics by name.
    """

    fault: str
    what: str
    began_s: float
    undo_s: float
    undone_s: float
    effect_s: float | None
    recovered_s: float | None
    within_s: float | None
    figures: Mapping[str, float]

    @property
    def is_judged(self) -> bool:
        """Say whether there was a steady load before it to compare with."""
        return self.within_s is not None

    @property
    def lasted(self) -> str:
        """Say how long it lasted, and how long its undo took in addition."""
        until_undo = wording.seconds(self.undo_s - self.began_s)
        undoing_s = self.undone_s - self.undo_s
        return (
            f"{until_undo} + {wording.seconds(undoing_s)}" if undoing_s >= _TOLD_S else until_undo
        )

    @property
    def effect(self) -> str:
        """Say how long after its start the load was first affected."""
        if not self.is_judged:
            return wording.ABSENT
        if self.effect_s is None:
            return "none"
        return f"after {wording.seconds(self.effect_s - self.began_s)}"

    @property
    def recovery(self) -> str:
        """Say how long after its start everything was as before."""
        if not self.is_judged:
            return wording.ABSENT
        if self.recovered_s is None:
            return "not seen"
        if self.effect_s is None:
            return "not needed"
        took = wording.seconds(self.recovered_s - self.began_s)
        return f"after {took} (\N{PLUS-MINUS SIGN}{wording.seconds(self.within_s or 0.0)})"

    @property
    def sentence(self) -> str:
        """Describe the fault in one sentence, without zero counts except for lost messages."""
        counted = ", ".join(
            f"{wording.number(self.figures[name])} {word}"
            for name, word in _COUNTS.items()
            if self.figures.get(name) or (name == _LOST and name in self.figures)
        )
        return (
            f"at {wording.seconds(self.began_s)}, lasted {self.lasted}; first effect "
            f"{self.effect}; recovery {self.recovery}{f'; {counted}' if counted else ''}"
        )

    @property
    def row(self) -> tuple[str, ...]:
        """Return its cells."""
        counts = (self.figures.get(name) for name in _COUNTS)
        return (
            self.fault,
            wording.seconds(self.began_s),
            self.lasted,
            self.effect,
            self.recovery,
            *(wording.ABSENT if count is None else wording.number(count) for count in counts),
        )


def fault_table(faults: Iterable[FaultStory]) -> Table:
    """Return a table with a row for each fault, in the order of their begin.

    If there are several, they are numbered, and plots refer to the numbers.
    """
    rows = [fault.row for fault in faults]
    if len(rows) > 1:
        rows = [(f"{number}. {name}", *rest) for number, (name, *rest) in enumerate(rows, 1)]
    return Table.of(_COLUMNS, rows)
