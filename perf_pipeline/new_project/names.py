"""Names for what a new project has: the project, its operations, and values that are saved.

Add here: another kind of name. Keep out: names of environment variables (secret_names.py).
"""

import re
from collections.abc import Collection, Iterator
from itertools import count
from typing import Final

_LONGEST_NAME: Final = 41
_LONGEST_OPERATION: Final = 80
_NO_OPERATION: Final = re.compile(r"[,{}:'\"\x00-\x1f\x7f]+")
_TAKEN: Final = frozenset({"vu", "iteration", "uuid", "run", "scenario", "data", "env", "random"})


def project_name(text: str) -> str:
    """Turn a folder's or host's name into the name of a profile.

    >>> project_name("My Shop!"), project_name("42"), project_name("")
    ('my-shop', 'target-42', 'target')
    """
    plain = re.sub(r"[^a-z0-9_]+", "-", text.lower()).strip("-_")
    if not plain[:1].isalpha():
        plain = f"target-{plain}".strip("-")
    return plain[:_LONGEST_NAME].rstrip("-_")


def module_name(project: str) -> str:
    """Name the package of a project's Dagster definitions; it is no module of anybody else.

    >>> module_name("my-shop")
    'my_shop_speed'
    """
    return f"{project.replace('-', '_')}_speed"


def operation_name(text: str, taken: Collection[str]) -> str:
    """Turn a text into the name of an operation that no other step has.

    >>> operation_name("GET /orders/{id}", ["GET /orders/id"])
    'GET /orders/id 2'
    """
    plain = " ".join(_NO_OPERATION.sub("", text).split())[:_LONGEST_OPERATION].strip() or "request"
    return next(name for name in _numbered(plain, " ") if name not in taken)


def saved_name(key: str, before: str, taken: Collection[str]) -> str:
    """Name a value that a step saves, after the member that holds it.

    Args:
        key: the member's name.
        before: what an `id` is of, such as `orders`.
        taken: names of earlier values.
    """
    word = _snake(key) or "value"
    if word in {"id", "uuid", "key", "value", "code", "name"} and (of := _singular(_snake(before))):
        word = f"{of}_{word}"
    if word[:1].isdigit() or word in _TAKEN:
        word = f"saved_{word}"
    return next(name for name in _numbered(word[:60], "_") if name not in taken)


def _numbered(text: str, between: str) -> Iterator[str]:
    yield text
    for number in count(2):
        ending = f"{between}{number}"
        yield f"{text[: _LONGEST_OPERATION - len(ending)]}{ending}"


def _snake(text: str) -> str:
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text)
    return re.sub(r"[^A-Za-z0-9]+", "_", parted).strip("_").lower()


def _singular(word: str) -> str:
    if word.endswith("ies"):
        return f"{word[:-3]}y"
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word
