"""Guess which word somebody meant: one sentence's end, with the right word or with nothing.

Add here: another way of being close. Keep out: which words there are, and sentences.
"""

from collections.abc import Iterable
from difflib import SequenceMatcher
from typing import Final

_CUTOFF: Final = 0.6
_LONGEST: Final = 80


def closest(word: str, known: Iterable[str], cutoff: float = _CUTOFF) -> str | None:
    """Return the known word that somebody most likely meant; None where none is close.

    Letters are compared without regard to case, `-`, `_` and blanks; the word itself is no answer.

    >>> closest("trhesholds", ["thresholds", "scenarios"])
    'thresholds'
    """
    asked = _plain(word[:_LONGEST])
    best, score = None, cutoff
    for candidate in dict.fromkeys(known):
        if candidate == word:
            continue
        likeness = SequenceMatcher(None, asked, _plain(candidate)).ratio()
        if likeness > score or (likeness == score and best is None):
            best, score = candidate, likeness
    return best


def meant(word: str, known: Iterable[str]) -> str:
    """End a sentence with the word that was meant: `; did you mean vus?`, or with nothing."""
    found = closest(word, known)
    return f"; did you mean {found}?" if found is not None else ""


def _plain(word: str) -> str:
    return word.casefold().replace("-", "").replace("_", "").replace(" ", "")
