"""Read Set-Cookie lines and decide which requests a cookie goes with, as browsers do.

RFC 6265bis, sections 5.1 and 5.7, for the one origin that is loaded; steps and Python scenarios
both use it. There is no list of public suffixes: of the parent domains of a name, only those
without a dot (`com`) are refused as a cookie's domain.
Add here: a rule about cookies. Keep out: where they are kept (workloads/steps/cookies.py,
workloads/python/cookies.py).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_BLANK: Final = " \t"
_MOST_OF_PAIR: Final = 4_096
_MOST_OF_ATTRIBUTE: Final = 1_024
_MAX_AGE: Final = re.compile(r"-?[0-9]+")
_LONGEST: Final = timedelta(days=400)
_LONGEST_DIGITS: Final = 9  # seconds; more digits are more than 400 days
# RFC 6265bis, 5.1.1.
_DELIMITERS: Final = re.compile(r"[\x09\x20-\x2f\x3b-\x40\x5b-\x60\x7b-\x7e]+")
_TIME: Final = re.compile(r"([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?![0-9])")
_DAY: Final = re.compile(r"([0-9]{1,2})(?![0-9])")
_YEAR: Final = re.compile(r"([0-9]{2,4})(?![0-9])")
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun",
                  "jul", "aug", "sep", "oct", "nov", "dec")  # fmt: skip
_FIRST_YEAR: Final = 1_601
_LAST_SECOND: Final = 59


@dataclass(frozen=True, slots=True)
class Cookie:
    """Hold a cookie as it was set.

    Attributes:
        name: empty where the line had no equals sign.
        value: as it was written.
        path: the requests below it get the cookie.
        needs_tls: it goes over https only.
        expires: from then on it is gone; None where it stays.
    """

    name: str
    value: str
    path: str
    needs_tls: bool
    expires: datetime | None

    @property
    def pair(self) -> str:
        """Return the cookie as it stands in a request."""
        return f"{self.name}={self.value}" if self.name else self.value

    def goes_to(self, path: str, *, is_tls: bool) -> bool:
        """Say whether a request of that path gets the cookie (RFC 6265bis, 5.1.4)."""
        if self.needs_tls and not is_tls:
            return False
        if not path.startswith(self.path):
            return False
        return len(path) == len(self.path) or self.path[-1] == "/" or path[len(self.path)] == "/"


def read_set_cookie(
    line: str, host: str, path: str, *, is_tls: bool, now: datetime
) -> Cookie | None:
    """Read a Set-Cookie line; None where browsers would ignore it.

    Args:
        line: the header's value, bytes as latin-1.
        host: that sent it.
        path: the path of the request, without its query.
        is_tls: the response came over https.
        now: to count `Max-Age` from.
    """
    pair, _, rest = line.partition(";")
    name, equals, value = (part.strip(_BLANK) for part in pair.partition("="))
    if not equals:
        name, value = "", name
    if not name + value or _CONTROL.search(line) or len(name) + len(value) > _MOST_OF_PAIR:
        return None
    attributes = _attributes(rest)
    scope = attributes.get("path", "")
    scope = scope if scope.startswith("/") else path.rpartition("/")[0] or "/"
    cookie = Cookie(name, value, scope, "secure" in attributes, _expiry(attributes, now))
    if cookie.needs_tls and not is_tls:
        return None
    if not _is_of(attributes.get("domain", ""), host):
        return None
    return cookie if _keeps_its_prefix(cookie, attributes) else None


def _attributes(rest: str) -> dict[str, str]:
    """Read what follows a cookie's value; of several with one name the last is kept."""
    pairs = (part.partition("=") for part in rest.split(";"))
    return {
        name.strip(_BLANK).lower(): value.strip(_BLANK)
        for name, _, value in pairs
        if len(value) <= _MOST_OF_ATTRIBUTE or name.strip(_BLANK).lower() == "max-age"
    }


def _is_of(domain: str, host: str) -> bool:
    """Say whether a host may set cookies for a domain; it always may for itself."""
    wanted = domain.lower().removeprefix(".")
    if not wanted or wanted == host:
        return True
    is_address = ":" in host or host.replace(".", "").isdigit()
    return "." in wanted and not is_address and host.endswith(f".{wanted}")


def _keeps_its_prefix(cookie: Cookie, attributes: Mapping[str, str]) -> bool:
    """Say whether a cookie holds what its name promises (RFC 6265bis, 4.1.3)."""
    name = (cookie.name or cookie.value).lower()
    if not name.startswith(("__secure-", "__host-")):
        return True
    if not cookie.name or not cookie.needs_tls:
        return False
    is_bound = not attributes.get("domain") and attributes.get("path") == "/"
    return name.startswith("__secure-") or is_bound


def _expiry(attributes: Mapping[str, str], now: datetime) -> datetime | None:
    """Return the moment at which a cookie expires; Max-Age wins, an invalid value is ignored."""
    age = attributes.get("max-age", "")
    if _MAX_AGE.fullmatch(age):
        digits = age.lstrip("0")
        if not digits or age.startswith("-"):
            return now
        if len(digits) > _LONGEST_DIGITS:
            return now + _LONGEST
        return now + min(_LONGEST, timedelta(seconds=int(digits)))
    return read_cookie_date(attributes.get("expires", ""))


def read_cookie_date(text: str) -> datetime | None:
    """Read the value of Expires as browsers do (RFC 6265bis, 5.1.1); None where it is no date.

    >>> read_cookie_date("Sun, 06-Nov-94 08:49:37 GMT")
    datetime.datetime(1994, 11, 6, 8, 49, 37, tzinfo=datetime.timezone.utc)
    """
    found = dict(_date_parts(text))
    if len(found) < 4:
        return None
    (hour, minute, second), (day,), (month,), (year,) = (
        found[name] for name in ("time", "day", "month", "year")
    )
    if year < 100:
        year += 1_900 if year >= 70 else 2_000
    if year < _FIRST_YEAR or second > _LAST_SECOND:
        return None
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None


def _date_parts(text: str) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield time, day, month and year, the first token that is one of each."""
    wanted = ["time", "day", "month", "year"]
    for token in _DELIMITERS.split(text):
        for name in wanted:
            numbers = _part_of_date(name, token)
            if numbers is not None:
                wanted.remove(name)
                yield name, numbers
                break


def _part_of_date(name: str, token: str) -> tuple[int, ...] | None:
    if name == "month":
        month = token[:3].lower()
        return (_MONTHS.index(month) + 1,) if month in _MONTHS else None
    match = {"time": _TIME, "day": _DAY, "year": _YEAR}[name].match(token)
    return tuple(map(int, match.groups())) if match else None
