"""Read which requests were made, and when, from a log: common log format, NDJSON or HAR.

    127.0.0.1 - - [10/Oct/2000:13:55:36 -0700] "GET /apache_pb.gif HTTP/1.0" 200 2326
    {"time": "2000-10-10T13:55:36.250-07:00", "method": "GET", "path": "/apache_pb.gif"}

Sources: the common and combined log formats of Apache's mod_log_config, which nginx writes as well;
HAR 1.2, http://www.softwareishard.com/blog/har-12-spec/.
Add here: another format of log. Keep out: what is made of its times
(executors/replayed_arrivals.py).
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from perf_pipeline.config.files import LARGEST_DATA_BYTES, read_text
from perf_pipeline.quoting import shown
from perf_pipeline.units import US_PER_S

_COMMON: Final = re.compile(
    r'\S+ \S+ .*?\[(?P<time>[^\]]+)\] "(?:(?P<method>[A-Z]+) (?P<path>\S+)[^"]*|[^"]*)"'
)
_COMMON_TIME: Final = re.compile(
    r"(?P<day>\d\d)/(?P<month>\w{3})/(?P<year>\d{4}):(?P<clock>[\d:]{8}) (?P<zone>[+-]\d{4})"
)
_MONTHS: Final = [
    "Jan",
    "Feb",
    "Mar",
    "Apr",
    "May",
    "Jun",
    "Jul",
    "Aug",
    "Sep",
    "Oct",
    "Nov",
    "Dec",
]
_TIMES: Final = ("time", "timestamp", "ts", "@timestamp", "startedDateTime", "started_at", "at")
_METHODS: Final = ("method", "request_method", "verb")
_PATHS: Final = ("path", "url", "uri", "request_uri", "target")
# Above these, a number counts ms, µs or ns since 1970, not s: the year 5138 in s is 1973 in ms.
_UNITS: Final = ((1e17, 1e-9), (1e14, 1e-6), (1e11, 1e-3))


@dataclass(frozen=True, slots=True)
class RequestLog:
    """Hold the requests of a log in the order of their times.

    Attributes:
        offsets_us: when each request was made, in µs after the first one; strictly increasing.
        rows: the method of each request, and its path with the query.
        length_us: the length of the log. A log that counts in seconds lasts to the end of its last
            second, any other log until the mean interval has passed after the last request.
        digest: SHA-256 of the log's text.
    """

    offsets_us: tuple[int, ...]
    rows: tuple[tuple[str, str], ...]
    length_us: int
    digest: str

    def starts_us(self, speed: float) -> list[int]:
        """Return the offsets of a replay at `speed` times the pace, still strictly increasing."""
        return _apart(round(at_us / speed) for at_us in self.offsets_us)


def read_request_log(path: Path, methods: Collection[str] = ()) -> RequestLog:
    """Read all requests of a log, or those with the given methods.

    The common log format counts in whole seconds, so requests of the same second are spread evenly
    over it. In other logs, requests of the same moment are set 1 µs apart.

    Raises:
        ValueError: the log can't be read, a line has no time, or there are fewer than two requests;
            the sentence names file and line.
    """
    try:
        facts = path.stat()
    except (OSError, ValueError):
        return _read(path, frozenset(methods))  # its message says why
    return _cached(path, frozenset(methods), facts.st_mtime_ns, facts.st_size)


@lru_cache(maxsize=4)
def _cached(path: Path, methods: frozenset[str], _changed_ns: int, _size: int) -> RequestLog:
    return _read(path, methods)


def _read(path: Path, methods: frozenset[str]) -> RequestLog:
    try:
        text = read_text(path, LARGEST_DATA_BYTES)
    except ValueError as error:
        raise ValueError(f"{path.name} {error}") from error
    is_common = text.lstrip()[:1] != "{"
    requests = _common(path, text) if is_common else _json(path, text)
    found = sorted(
        (request for request in requests if not methods or request[1] in methods),
        key=lambda request: request[0],
    )
    if len(found) < 2:
        named = f" with the method {' or '.join(sorted(methods))}" if methods else ""
        raise ValueError(f"{path.name} has {len(found)} requests{named}; a replay needs two")
    moments = [at_us for at_us, _, _ in found]
    times = _spread(moments) if is_common else _apart(moments)
    offsets = tuple(at_us - times[0] for at_us in times)
    after_us = -(-offsets[-1] // (len(offsets) - 1))
    if is_common:
        after_us = moments[-1] + US_PER_S - times[-1]
    return RequestLog(
        offsets,
        tuple((method, target) for _, method, target in found),
        offsets[-1] + max(1, after_us),
        hashlib.sha256(text.encode()).hexdigest(),
    )


_Request = tuple[int, str, str]


def _common(path: Path, text: str) -> Iterator[_Request]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        match = _COMMON.match(line)
        at_us = _common_time_us(match["time"]) if match else None
        if match is None or at_us is None:
            raise ValueError(
                f"{path.name} line {number:,} is neither common log format nor JSON: "
                f"{shown(line[:80])}"
            )
        yield at_us, match["method"] or "GET", _target(match["path"] or "/")


def _common_time_us(text: str) -> int | None:
    """Read `10/Oct/2000:13:55:36 -0700`, whatever the locale; None for anything else."""
    match = _COMMON_TIME.fullmatch(text)
    if match is None or match["month"] not in _MONTHS:
        return None
    month = _MONTHS.index(match["month"]) + 1
    written = f"{match['year']}-{month:02d}-{match['day']}T{match['clock']}{match['zone']}"
    try:
        return round(datetime.fromisoformat(written).timestamp()) * US_PER_S
    except ValueError:
        return None


def _json(path: Path, text: str) -> Iterator[_Request]:
    try:
        whole = json.loads(text)
        entries = whole["log"]["entries"]
    except (ValueError, KeyError, TypeError):
        yield from _lines(path, text)
        return
    for number, entry in enumerate(entries, 1):
        where = f"{path.name} entry {number:,}"
        request = entry.get("request") if isinstance(entry, dict) else None
        if not isinstance(request, dict):
            raise ValueError(f"{where} of the recording has no request")
        yield _request({**request, "time": entry.get("startedDateTime")}, where)


def _lines(path: Path, text: str) -> Iterator[_Request]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        where = f"{path.name} line {number:,}"
        try:
            entry = json.loads(line)
        except ValueError:
            raise ValueError(f"{where} is not JSON: {shown(line[:80])}") from None
        if not isinstance(entry, dict):
            raise ValueError(f"{where} is not a JSON object: {shown(line[:80])}")
        yield _request(entry, where)


def _request(entry: Mapping[str, Any], where: str) -> _Request:
    stamp = next((entry[name] for name in _TIMES if entry.get(name) is not None), None)
    if stamp is None:
        raise ValueError(f"{where} tells no time; one of {', '.join(_TIMES)} must")
    method = next((str(entry[name]) for name in _METHODS if entry.get(name)), "GET")
    url = next((str(entry[name]) for name in _PATHS if entry.get(name)), "/")
    return _microseconds(stamp, where), method.upper(), _target(url)


def _target(url: str) -> str:
    """Return the path and query of an address, whatever host it names."""
    if not url.startswith("/") or url.startswith("//"):
        parts = urlsplit(url)
        url = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
    return url if url.startswith("/") else f"/{url}"


def _microseconds(stamp: object, where: str) -> int:
    """Convert ISO 8601, or a number of s, ms, µs or ns since 1970, to µs since 1970."""
    try:
        moment = _moment(stamp)
        if isinstance(moment, float):
            return _since_1970(moment)
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return round(aware.timestamp() * US_PER_S)
    except (ValueError, OverflowError):
        raise ValueError(
            f"{where} has the time {shown(str(stamp)[:80])}; write ISO 8601, or a number since 1970"
        ) from None


def _moment(stamp: object) -> datetime | float:
    """Read a moment, or a number since 1970. Raises: ValueError, it is neither."""
    if not isinstance(stamp, str):
        return float(str(stamp))  # as text, so that true is not a number
    try:
        return datetime.fromisoformat(stamp)
    except ValueError:
        return float(stamp)


def _since_1970(number: float) -> int:
    scale = next((scale for above, scale in _UNITS if abs(number) >= above), 1.0)
    return round(number * scale * US_PER_S)


def _spread(seconds_us: Iterable[int]) -> list[int]:
    """Spread the requests of each whole second evenly over it."""
    times: list[int] = []
    for second_us, count in Counter(seconds_us).items():
        times += [second_us + number * US_PER_S // count for number in range(count)]
    return _apart(times)


def _apart(times: Iterable[int]) -> list[int]:
    """Make each time at least 1 µs later than the previous one."""
    apart: list[int] = []
    for at_us in times:
        apart.append(max(at_us, apart[-1] + 1) if apart else at_us)
    return apart
