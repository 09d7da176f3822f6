"""The ids by which messages are known at every station, as they stand in the ledger.

Add here: another rule for such an id. Keep out: where an id stands in a message (workloads/).
"""

from typing import Final

LONGEST_ID: Final = 200


def text_of_id(value: object) -> str:
    """Return an id that can be written down; empty where a value is none.

    It is a whole number, or a text of 1 to 200 printable letters.

    >>> text_of_id(7), text_of_id("a-1"), text_of_id(None)
    ('7', 'a-1', '')
    """
    is_id = isinstance(value, str | int) and not isinstance(value, bool)
    text = str(value) if is_id else ""
    return text if len(text) <= LONGEST_ID and text.isprintable() else ""
