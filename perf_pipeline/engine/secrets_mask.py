"""Keep secrets out of logs and messages.

Add here: another spelling in which a secret can turn up. Keep out: where secrets come from.
"""

import re
from collections.abc import Mapping
from typing import Final

_MASK: Final = "***"
_SHORTEST: Final = 4  # masking shorter ones would blacken ordinary words
_PASSWORDS: Final = (
    re.compile(r"://[^/@:\s]*:([^/@\s]+)@"),
    re.compile(r"\bpassword\s*=\s*'?([^'\s]+)", re.IGNORECASE),
)


def mask_secrets(text: str, secrets: Mapping[str, str]) -> str:
    """Replace every secret, and the password inside a DSN or URL, by `***`.

    >>> mask_secrets("refused: hunter2!", {"dsn": "postgresql://me:hunter2!@localhost/db"})
    'refused: ***'
    """
    hidden = {value for value in secrets.values() if len(value) >= _SHORTEST}
    for value in secrets.values():
        hidden.update(found for pattern in _PASSWORDS for found in pattern.findall(value))
    for value in sorted(hidden, key=len, reverse=True):
        text = text.replace(value, _MASK)
    return text
