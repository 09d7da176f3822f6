"""Types of keys that describe an HTTP request: its method, its path, and the expected statuses.

Add here: another type that steps and targets share. Keep out: the keys of a single model.
"""

import re
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field

_PATH: Final = re.compile(r"/[^\s#\x00-\x1f]*")


def _listed(value: object) -> object:
    return [value] if isinstance(value, int) and not isinstance(value, bool) else value


def _status(value: int) -> int:
    if not 100 <= value <= 599:
        raise ValueError(f"{value} is not an HTTP status; write one from 100 to 599")
    return value


REPLAYED_PATH: Final = "${replay.path}"
"""A path with its query, as a log has it: percent-encoded already, and with its own slash."""


def require_path(value: str) -> str:
    """Return a path on the target unchanged.

    Raises:
        ValueError: the text is not a path.
    """
    if value == REPLAYED_PATH:
        return value
    if not _PATH.fullmatch(re.sub(r"\$\{[^{}]*\}", "x", value)):
        raise ValueError(
            f"{value!r} is not a path on the target; a path begins with / and has no blanks and no "
            "#, like /user?page=1"
        )
    return value


Statuses = Annotated[
    tuple[Annotated[int, AfterValidator(_status)], ...],
    BeforeValidator(_listed),
    Field(strict=False),
]
Path = Annotated[str, AfterValidator(require_path)]
Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
BODILESS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
