"""Show what somebody else wrote inside a sentence: short, on one line, printable.

Add here: another kind of value that reads badly. Keep out: the sentences.
"""

from collections.abc import Sequence
from typing import Final

LONGEST_SHOWN: Final = 400
_DIGITS: Final = 40


def on_one_line(text: str, most: int = LONGEST_SHOWN) -> str:
    r"""Escape what is no printable letter, and leave out the middle of what is long.

    >>> on_one_line("a\nb"), on_one_line("x" * 1_000, most=60)
    ('a\\nb', 'xxxxxxxxxxxxxxxxxxxx… (1,000 characters) …xxxxxxxxxxxxxxxxxxxx')

    Args:
        text: as it was written.
        most: characters of the result, about; escapes count.
    """
    length = len(text)
    half = most // 3
    if length > most:
        start, end = escaped(text[:half])[:half], escaped(text[-half:])[-half:]
        return f"{start}… ({length:,} characters) …{end}"
    line = escaped(text)
    if len(line) > 2 * most:
        return f"{line[:half]}… ({length:,} characters) …{line[-half:]}"
    return line


def escaped(text: str) -> str:
    r"""Write as escapes what is no printable letter, or has no bytes in any encoding.

    Letters of other directions, joiners and line separators are among them: they rearrange or
    hide what follows (str.isprintable).

    >>> escaped("a\x00b\ud800")
    'a\\x00b\\ud800'
    """
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else _escape(letter) for letter in text)


def is_utf8(text: str) -> bool:
    """Say whether a text has bytes in UTF-8: one with half a surrogate pair has none."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def shown(value: object, most: int = 80) -> str:
    """Write a value as Python does, cut; a whole number of any size, which `repr` refuses.

    >>> shown("a"), shown(10**50)
    ("'a'", '1000000000… (51 digits)')
    """
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**_DIGITS:
        return _long_number(value)
    try:
        return on_one_line(repr(value), most)
    except (ValueError, RecursionError):  # digits of an integer inside, or tables in tables
        return f"a {type(value).__name__} that is too large to show"


def first_few(texts: Sequence[str], most: int, between: str = ", ") -> str:
    """List the first texts, and count the others.

    >>> first_few(["a", "b", "c", "d"], most=2), first_few(["a", "b"], most=2)
    ('a, b, 2 more', 'a, b')
    """
    others = len(texts) - most
    return between.join([*texts[:most], *([f"{others:,} more"] if others > 0 else [])])


def _long_number(value: int) -> str:
    digits = _count_digits(abs(value))
    first = abs(value) // 10 ** (digits - 10)
    return f"{'-' if value < 0 else ''}{first}… ({digits:,} digits)"


def _count_digits(value: int) -> int:
    digits = int((value.bit_length() - 1) * 0.30102999566398119521)
    while 10**digits <= value:
        digits += 1
    return digits


def _escape(letter: str) -> str:
    return letter.encode("unicode_escape").decode("ascii")
