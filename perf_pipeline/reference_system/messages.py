"""The birthday message: when it is due, what it says, and its form on the topic.

Add here: a field of the message, for relay and worker at once. Keep out: clients of the broker.
"""

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

SENDING_HOUR = 9
_MAX_BIGINT = 2**63 - 1


class UnreadableMessageError(Exception):
    """Say that a message of the topic is none of ours."""


@dataclass(frozen=True, slots=True)
class Message:
    """Hold what one row of the outbox and one message of the topic carry."""

    message_id: UUID
    user_id: int
    message_type: str
    scheduled_send_time: datetime
    content: str

    def key(self) -> bytes:
        """Return the partitioning key: all messages of a user go to one partition, in order."""
        return b"user-%d" % self.user_id

    def to_json(self, published_at: datetime) -> bytes:
        """Return the value on the topic; ids are strings, because JavaScript's numbers are short.

        Args:
            published_at: when it is handed to the broker, aware.
        """
        return json.dumps(
            {
                "messageId": str(self.message_id),
                "userId": str(self.user_id),
                "messageType": self.message_type,
                "scheduledSendTime": self.scheduled_send_time.astimezone(UTC).isoformat(),
                "content": self.content,
                "publishedAt": published_at.astimezone(UTC).isoformat(timespec="microseconds"),
            }
        ).encode()


@dataclass(frozen=True, slots=True)
class Envelope:
    """Hold what a worker needs of a message's value; published_at is None where it is not said."""

    message_id: UUID
    user_id: int
    published_at: datetime | None


def read_envelope(value: bytes | None) -> Envelope:
    """Read ids and time of publishing out of a message's value.

    Raises:
        UnreadableMessageError: the value is not a birthday message.
    """
    try:
        fields = json.loads(value or b"")
        message_id, user_id = UUID(fields["messageId"]), int(fields["userId"])
        published_at = _moment(fields.get("publishedAt"))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise UnreadableMessageError(f"not a birthday message: {error!r}") from error
    if not 0 < user_id <= _MAX_BIGINT:
        raise UnreadableMessageError(f"userId {user_id} is out of range")
    return Envelope(message_id, user_id, published_at)


def _moment(text: object) -> datetime | None:
    """Read a time; None if it cannot be read, which is no reason to lose a message."""
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def next_send_time(birthday: date, timezone: str, now: datetime) -> datetime:
    """Return the next birthday at 9 o'clock in the user's time zone.

    A birthday of 29 February is kept on the 28th in other years.

    >>> next_send_time(date(1990, 5, 17), "UTC", datetime(2024, 5, 17, 9, 1, tzinfo=UTC)).date()
    datetime.date(2025, 5, 17)
    """
    zone = ZoneInfo(timezone)
    year = now.astimezone(zone).year
    due = _birthday_in(year, birthday, zone)
    return due if due >= now else _birthday_in(year + 1, birthday, zone)


def _birthday_in(year: int, birthday: date, zone: ZoneInfo) -> datetime:
    is_leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    day = 28 if (birthday.month, birthday.day) == (2, 29) and not is_leap else birthday.day
    return datetime(year, birthday.month, day, SENDING_HOUR, tzinfo=zone)
