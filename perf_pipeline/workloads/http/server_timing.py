"""What a target says of its own time in the header `Server-Timing` (W3C Server Timing).

Add here: another part of an answer's time by which tiers are told apart. Keep out: HTTP itself.
"""

import math
import re
from typing import Final

_DATABASE: Final = frozenset({"db", "database", "sql"})
_LONGEST_MS: Final = 86_400_000.0
# Commas and semicolons in a quoted value are a part of it (RFC 9110, 5.6.4); one that is never
# closed goes on to the end.
_QUOTED: Final = r'=[ \t]*"(?:\\.|[^"\\])*"?'
_ENTRY: Final = re.compile(rf"(?:{_QUOTED}|[^,=]|=)+")
_PART: Final = re.compile(rf"(?:{_QUOTED}|[^;=]|=)+")
_ESCAPED: Final = re.compile(r"\\(.)")


def database_us(header: str) -> int | None:
    """Add up the durations of the entries db, database and sql, in µs; None without any.

    A value that is not a non-negative number of ms is ignored: a header never fails a request.

    >>> database_us('total;dur=4, db;desc="two; of 9";dur=1.25'), database_us("total;dur=4")
    (1250, None)
    """
    found = [ms for entry in _ENTRY.findall(header) if (ms := _database_ms(entry)) is not None]
    return round(1_000 * sum(found)) if found else None


def _database_ms(entry: str) -> float | None:
    name, _, parameters = entry.partition(";")
    if name.strip().lower() not in _DATABASE:
        return None
    for parameter in _PART.findall(parameters):
        key, _, value = parameter.partition("=")
        if key.strip().lower() == "dur":
            return _milliseconds(_unquoted(value.strip()))
    return None


def _unquoted(value: str) -> str:
    if not value.startswith('"'):
        return value
    return _ESCAPED.sub(r"\1", value[1:].removesuffix('"'))


def _milliseconds(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and 0 <= value <= _LONGEST_MS else None
