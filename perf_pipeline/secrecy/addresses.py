"""The secrets inside an address: a URL, or libpq's keyword form. Taken apart, never guessed at.

What can't be taken apart is hidden whole: a password with an @, a / or a blank in it, of which
each client makes something else, must not be shown in part.
Add here: another part of an address that is a secret. Keep out: which hosts it names (config/).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, unquote_plus

MASK: Final = "***"
# Their user names are no secrets, and tell people which account was meant.
_SHOWN_USER: Final = frozenset({"postgres", "postgresql", "redis", "rediss", "valkey", "valkeys"})
_SECRET_KEY: Final = re.compile(
    r"pass|passwd|passphrase|passcode|pwd|(.*[_.-]|ssl)?password|(.*[_.-])?(secret|token|jwt)|"
    r"(.*[_.-])?(signature|credentials?)|(.*[_.-])?(api|access|auth|private|secret)[_.-]?key|"
    r"auth|authorization|sig|key|sid|session(id)?|scram_(client|server)_key|ssl[.]key[.]pem",
    re.IGNORECASE,
)
_URL: Final = re.compile(r"\s*([A-Za-z][A-Za-z0-9+._-]*)://(.*)", re.DOTALL)
_URL_IN_TEXT: Final = re.compile(r"(?<![A-Za-z0-9])[A-Za-z][A-Za-z0-9+._-]{0,30}://[^\s\"'<>`|\\]+")
# host, host:port or [IPv6]:port, with a path or without: what stands here is no password.
_PLACE: Final = re.compile(r"([^:@/]*|\[[^@/]*\])(:\d*)?(/[^@]*)?|[^@]*@[^@]*", re.DOTALL)
_KEYWORD: Final = re.compile(r"\s*([A-Za-z_]+)\s*=\s*")
_PASSWORD_INSIDE: Final = re.compile(r"pass(word|file)?\s*=", re.IGNORECASE)
_PAIR_IN_TEXT: Final = re.compile(
    r"(\b(?:ssl)?password\s*=\s*)('(?:[^'\\]|\\.)*'|[^\s'\"]\S*)", re.IGNORECASE | re.DOTALL
)
_HEADER_IN_TEXT: Final = re.compile(
    r"\b((?:proxy-)?authorization[\"']?\s*[:=]\s*[\"']?(?:basic|bearer|digest|token)\s+)"
    r"([^\s\"',;\\]+)",
    re.IGNORECASE,
)


# What ends a user's part: libpq takes the first @, everybody else the last one before / ? or #.
_ENDS_IN_DSN: Final = re.compile(r"[@/]")
_ENDS_IN_URL: Final = re.compile(r"[/?#]")


@dataclass(frozen=True, slots=True)
class _Part:
    """Hold a piece of an address as it is written; `secret` is its meaning, when it is one."""

    written: str
    secret: str | None = None


def mask_address(address: str) -> str:
    r"""Replace the secrets of one address, whatever characters are in them.

    >>> mask_address("postgresql://app:s3c@ret/@127.0.0.1/birthday")
    'postgresql://app:***@127.0.0.1/birthday'
    >>> mask_address(r"host=127.0.0.1 password='it\'s' user=app")
    'host=127.0.0.1 password=*** user=app'
    """
    return "".join(part.written if part.secret is None else MASK for part in _parts(address))


def secrets_in(address: str) -> frozenset[str]:
    """Return the secrets of an address, as they are written and as they are meant."""
    found = [part for part in _parts(address) if part.secret]
    return frozenset(text for part in found for text in (part.written, part.secret) if text)


def has_torn_password(address: str) -> bool:
    """Say whether clients would read a part of the password as the host's name, or as a path.

    >>> has_torn_password("postgresql://app:s3/cret@127.0.0.1/birthday")
    True
    """
    url = _URL.match(address)
    if url is None:
        return False
    userinfo = _split_query(url[2])[0].rpartition("@")[0]
    ends = _ENDS_IN_DSN if url[1].lower().startswith("postgres") else _ENDS_IN_URL
    return _is_ambiguous(url[2]) or ends.search(userinfo) is not None


def public_parts(address: str) -> frozenset[str]:
    """Return the words of an address that are no secrets: user, host, database."""
    shown = "".join(" " if part.secret is not None else part.written for part in _parts(address))
    return frozenset(word for word in re.split(r"[^\w.-]+", unquote(shown)) if word)


def mask_addresses_in(text: str) -> str:
    """Replace the secrets of every address that stands in a text, and of Authorization headers.

    An address there ends at the next blank; whole addresses are for `mask_address`.
    """
    text = _URL_IN_TEXT.sub(lambda found: mask_address(found[0]), text)
    text = _PAIR_IN_TEXT.sub(lambda found: f"{found[1]}{MASK}", text)
    return _HEADER_IN_TEXT.sub(lambda found: f"{found[1]}{MASK}", text)


def _parts(address: str) -> Iterator[_Part]:
    url = _URL.match(address)
    return _keyword_parts(address) if url is None else _url_parts(url[1], url[2])


def _url_parts(scheme: str, rest: str) -> Iterator[_Part]:
    yield _Part(f"{scheme}://")
    if _is_ambiguous(rest):
        yield _Part(rest, rest)
        return
    before, question, query = _split_query(rest)
    userinfo, at, place = before.rpartition("@")
    if at:
        yield from _userinfo_parts(scheme, userinfo)
        yield _Part("@")
    yield _Part(place)
    if question:
        yield _Part("?")
        yield from _query_parts(query)


def _is_ambiguous(rest: str) -> bool:
    """Say whether an @ stands before and behind a ?, so that both may be a password's."""
    before, question, query = rest.partition("?")
    return bool(question) and "@" in query and "@" in before and not _PLACE.fullmatch(before)


def _split_query(rest: str) -> tuple[str, str, str]:
    """Split at the ? that begins the query, and at none that may belong to a password."""
    at, question = rest.rfind("@"), rest.find("?")
    if 0 <= question < at and not _PLACE.fullmatch(rest[:question]):
        question = rest.find("?", at)
    if question < 0:
        return rest, "", ""
    return rest[:question], "?", rest[question + 1 :]


def _userinfo_parts(scheme: str, userinfo: str) -> Iterator[_Part]:
    user, colon, password = userinfo.partition(":")
    if scheme.lower().partition("+")[0] not in _SHOWN_USER:
        yield _Part(userinfo, unquote(userinfo))
        return
    yield _Part(user)
    if colon:
        yield _Part(":")
        yield _Part(password, unquote(password))


def _query_parts(query: str) -> Iterator[_Part]:
    body, hash_, fragment = query.partition("#")
    for number, pair in enumerate(body.split("&")):
        key, equals, value = pair.partition("=")
        yield _Part(f"{'&' if number else ''}{key}{equals}")
        secret = equals and value and _SECRET_KEY.fullmatch(unquote_plus(key))
        yield _Part(value, unquote_plus(value) if secret else None)
    if hash_:
        yield _Part(f"#{fragment}")


def _keyword_parts(dsn: str) -> Iterator[_Part]:
    r"""Read `key = value` as libpq does (conninfo_parse): quotes, and \ before any character."""
    at = 0
    while found := _KEYWORD.match(dsn, at):
        end, value = _keyword_value(dsn, found.end())
        yield _Part(found[0])
        # `host= password=x` gives a host of that name, as libpq skips blanks behind the =.
        is_secret = _SECRET_KEY.fullmatch(found[1]) or _PASSWORD_INSIDE.search(value)
        secret = is_secret and end > found.end()
        yield _Part(dsn[found.end() : end], value if secret else None)
        at = end
    rest = dsn[at:]
    # After something that libpq would not read either, anything may be a piece of a password.
    yield _Part(rest, rest if at and rest.strip() else None)


def _keyword_value(dsn: str, at: int) -> tuple[int, str]:
    quoted = dsn[at : at + 1] == "'"
    at += quoted
    value = ""
    while at < len(dsn):
        letter = dsn[at]
        if letter == "\\" and at + 1 < len(dsn):
            at += 1
            letter = dsn[at]
        elif quoted and letter == "'":
            return at + 1, value
        elif not quoted and letter.isspace():
            break
        value += letter
        at += 1
    return at, value
