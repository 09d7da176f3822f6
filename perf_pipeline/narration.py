"""Narrators, to which long work reports its progress; whoever starts the work passes one in.

Add here: another way of being told. Keep out: printing (cli/narrator.py, defs/narration.py).
"""

from collections.abc import Callable, Mapping
from typing import Protocol

Say = Callable[[str], None]
"""Takes one sentence at a time, for what has no progress to tell."""


class Narrator(Protocol):
    """Take the messages of a run, for people to read."""

    def say(self, sentence: str) -> None:
        """Tell a sentence that stays."""
        ...

    def progress(self, line: str, figures: Mapping[str, object]) -> None:
        """Tell how far a load is; the next line takes the place of this one.

        Args:
            line: for people.
            figures: the same as JSON values (docs/cli.md).
        """
        ...
