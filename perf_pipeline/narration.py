"""Who is told how something goes: whoever starts a thing gives it somebody to tell.

Add here: another way of being told. Keep out: printing (cli/narrator.py, defs/narration.py).
"""

from collections.abc import Callable, Mapping
from typing import Protocol

Say = Callable[[str], None]
"""Takes one sentence at a time, for what has no progress to tell."""


class Narrator(Protocol):
    """Take what a run has to tell, for people to read."""

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
