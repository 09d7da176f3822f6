"""What became of the runs that went to a place or came from it, as sentences for people.

Add here: another thing that can become of a run. Keep out: what is done (pushing.py, pulling.py).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from perf_pipeline.quoting import first_few

_MOST_NAMED: Final = 5


@dataclass(slots=True)
class Movement:
    """Gather what became of runs.

    Attributes:
        url: the URL of the place.
        verb: what was done with the runs that were new: `pushed` or `pulled`.
        moved: the runs that were new.
        known: how many were on both sides already.
        decided: how many decisions and changes of level were new.
        left: other runs that stay where they are, by the reason, which is no fault.
        refused: runs that could not be moved, each with why.
    """

    url: str
    verb: str
    moved: list[str] = field(default_factory=list)
    known: int = 0
    decided: int = 0
    left: dict[str, list[str]] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)

    @property
    def is_whole(self) -> bool:
        """Say whether nothing was refused."""
        return not self.refused

    def leave(self, reason: str, run_id: str) -> None:
        """Note a run that stays where it is."""
        self.left.setdefault(reason, []).append(run_id)

    def sentences(self) -> Iterator[str]:
        """Yield what became of all of them."""
        side = "to" if self.verb == "pushed" else "from"
        decided = f" and {_counted(self.decided, 'decision')}" if self.decided else ""
        runs = _counted(len(self.moved), "run")
        yield f"{self.verb} {runs}{decided} {side} {self.url}; {self.known:,} were there already"
        for reason, run_ids in self.left.items():
            yield f"{_counted(len(run_ids), 'run')} {reason}: {_named(run_ids)}"

    def complaints(self) -> Iterator[str]:
        """Yield why each run was refused that was."""
        for run_id, why in self.refused.items():
            yield f"run {run_id} was not {self.verb}: {why}"


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _named(run_ids: Sequence[str]) -> str:
    return first_few(list(run_ids), _MOST_NAMED)
