"""A narrator for runs whose sentences no test reads.

Add here: nothing. Keep out: assertions.
"""

from collections.abc import Mapping


def hush(_: str) -> None:
    """Take a sentence, where a `Say` is wanted."""


class Silent:
    """Be told, and tell nobody."""

    def say(self, sentence: str) -> None:
        """Take a sentence."""

    def progress(self, line: str, figures: Mapping[str, object]) -> None:
        """Take how far a load is."""
