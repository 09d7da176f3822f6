"""Check the body of `POST /user` by hand and name every wrong field at once.

Hand-written because a schema library costs more CPU per request than the rest of the handler.
Add here: a field, with its rule and its sentence. Keep out: what only the database can know.
"""

import json
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date

NAME_LENGTH = 100
EMAIL_LENGTH = 254
EARLIEST_BIRTHDAY = date(1900, 1, 1)

_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(?:\.[^@\s.]+)+")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


@dataclass(frozen=True, slots=True)
class NewUser:
    """Hold the checked values of one `POST /user`."""

    first_name: str
    last_name: str
    email: str
    birthday_date: date
    timezone: str


class InvalidUserError(Exception):
    """Carry one sentence, and one sentence per wrong field (by its JSON name)."""

    def __init__(self, sentence: str, fields: dict[str, str] | None = None) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.fields = fields or {}


def parse_user(body: bytes, *, today: date, timezones: Collection[str]) -> NewUser:
    """Turn a request body into a user.

    Args:
        body: the bytes as received.
        today: the latest birthday that is not in the future.
        timezones: the IANA names that are known.

    Raises:
        InvalidUserError: the body is not a JSON object, or fields are missing or wrong.
    """
    try:
        values = json.loads(body)
    except (ValueError, RecursionError):
        raise InvalidUserError("the body is not valid JSON") from None
    if not isinstance(values, dict):
        raise InvalidUserError("the body must be a JSON object")
    fields: dict[str, str] = {}

    def text(name: str, problem_of: Callable[[str], str | None]) -> str:
        value = values.get(name)
        if value is None:
            fields[name] = "is missing"
        elif not isinstance(value, str):
            fields[name] = "must be a string"
        elif problem := problem_of(value):
            fields[name] = problem
        else:
            return value
        return ""

    first_name = text("firstName", _name_problem)
    last_name = text("lastName", _name_problem)
    email = text("email", _email_problem)
    birthday = text("birthdayDate", lambda value: _birthday_problem(value, today))
    timezone = text(
        "timezone",
        lambda value: None if value in timezones else "is not an IANA time zone like Europe/Berlin",
    )
    if fields:
        raise InvalidUserError(f"wrong or missing: {', '.join(fields)}", fields)
    return NewUser(first_name, last_name, email, date.fromisoformat(birthday), timezone)


def _name_problem(value: str) -> str | None:
    if not value.strip():
        return "is empty"
    if len(value) > NAME_LENGTH:
        return f"is longer than {NAME_LENGTH} characters"
    # Also refuses NUL and lone surrogates, which JSON can write and PostgreSQL cannot store.
    return None if value.isprintable() else "holds a character that cannot be printed"


def _email_problem(value: str) -> str | None:
    if len(value) > EMAIL_LENGTH:
        return f"is longer than {EMAIL_LENGTH} characters"
    if not (value.isprintable() and _EMAIL.fullmatch(value)):
        return "is not an email address like name@example.org"
    return None


def _birthday_problem(value: str, today: date) -> str | None:
    if not _DATE.fullmatch(value):
        return "must be a date like 1990-05-17"
    try:
        birthday = date.fromisoformat(value)
    except ValueError:
        return "is not a day of the calendar"
    if not EARLIEST_BIRTHDAY <= birthday <= today:
        return f"must lie between {EARLIEST_BIRTHDAY} and today"
    return None
