"""Read a command line of curl, as browsers' "Copy as cURL" writes it.

The standard library's shell splitting and option parsing do the reading; an unknown option is
reported, and ends nothing.
Add here: an option that says what is sent. Keep out: what becomes of a request (taking_over.py).
"""

import argparse
import base64
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NoReturn
from urllib.parse import quote_plus, urlsplit

from perf_pipeline.errors import RequestError
from perf_pipeline.new_project.seen_request import FORM, METHODS, SeenRequest

_DATA: Final = ("-d", "--data", "--data-ascii", "--data-raw", "--data-binary")
# These have no value, and say nothing that a step needs.
_SILENT: Final = """
--compressed -s --silent -S --show-error -v --verbose -i --include -L --location -f --fail
--fail-with-body --http1.1 --http2 -N --no-buffer -# --progress-bar -g --globoff -4 --ipv4 -6
--ipv6 --tlsv1.2 --tlsv1.3 --path-as-is -O --remote-name -J --remote-header-name
--no-progress-meter
"""
# These have a value, which says nothing that a step needs, and may hold a secret.
_UNUSED: Final = """
-o --output -w --write-out -m --max-time --connect-timeout --retry --retry-delay -D --dump-header
-c --cookie-jar --max-redirs --limit-rate --trace --trace-ascii -A --user-agent -e --referer -b
--cookie
"""
# These have a value, and change the request in a way that a step can't.
_TOLD: Final = """
-x --proxy -U --proxy-user -E --cert --key --cacert --capath --resolve --connect-to --unix-socket
--interface -T --upload-file -K --config --oauth2-bearer
"""
_MULTIPART: Final = ("-F", "--form", "--form-string")
_ANSI_QUOTED: Final = re.compile(r"\$'((?:[^'\\]|\\.)*)'", re.DOTALL)
_ESCAPE: Final = re.compile(r"\\(u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|.)", re.DOTALL)
_LETTERS: Final = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0"}


@dataclass(frozen=True, slots=True)
class CurlCommand:
    """Hold what a command line sends.

    Attributes:
        request: the request.
        skips_verification: it takes any certificate.
        remarks: what of it could not be read, one sentence each.
    """

    request: SeenRequest
    skips_verification: bool = False
    remarks: tuple[str, ...] = ()


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise _not_read(message.partition(":")[0] if "argument" in message else message)


def read_curl(command: str) -> CurlCommand:
    """Read a command line.

    Raises:
        RequestError: it is no command line of curl, or what it sends can't be known.
    """
    given, unknown = _parser().parse_known_args(_words(command))
    address = given.address or next((word for word in unknown if "://" in word), None)
    if address is None:
        raise _not_read("it names no URL")
    address = address if "://" in address else f"http://{address}"
    try:
        urlsplit(address)
    except ValueError as error:
        raise _not_read(f"its URL can't be read: {error}") from None
    headers = tuple(_headers(given))
    body, body_type = _body(given, headers)
    if given.get and body is not None:
        address = f"{address}{'&' if urlsplit(address).query else '?'}{body}"
        body = None
    method = (given.method or _usual_method(given, body)).upper()
    if method not in METHODS:
        raise _not_read(f"its method {method} is none of {', '.join(sorted(METHODS))}")
    return CurlCommand(
        SeenRequest(method, address, headers, body, body_type if body else ""),
        skips_verification=given.insecure,
        remarks=tuple(_remarks(unknown, given)),
    )


def _parser() -> _Parser:
    parser = _Parser(add_help=False, allow_abbrev=False)
    parser.add_argument("address", nargs="?")
    parser.add_argument("--url", dest="address")
    parser.add_argument("-X", "--request", dest="method")
    parser.add_argument("-H", "--header", dest="headers", action="append", default=[])
    parser.add_argument("-u", "--user")
    parser.add_argument("-k", "--insecure", action="store_true")
    parser.add_argument("-G", "--get", action="store_true")
    parser.add_argument("-I", "--head", action="store_true")
    parser.add_argument("--json", action="append", default=[])
    parser.add_argument("--data-urlencode", dest="encoded", action="append", default=[])
    parser.add_argument(*_DATA, dest="texts", action="append", default=[])
    parser.add_argument(*_MULTIPART, dest="parts", action="append", default=[])
    parser.add_argument(*_UNUSED.split(), dest="unused", action="append", default=[])
    for option in _TOLD.split():
        parser.add_argument(option, dest="told", action="append", default=[], type=_named(option))
    for option in _SILENT.split():
        parser.add_argument(option, action="store_true", dest="silent")
    return parser


def _named(option: str) -> "type[str]":
    """Keep the name of an option, and nothing of its value, which may be a secret."""
    return lambda _: option  # type: ignore[return-value]  # argparse calls it


def _words(command: str) -> list[str]:
    """Split a command line of a POSIX shell, of bash's $'…', or of Windows' cmd."""
    text = command.strip()
    if '^"' in text:
        text = re.sub(r"\^(.)", r"\1", re.sub(r"\^\r?\n", " ", text))
    text = _ANSI_QUOTED.sub(lambda found: shlex.quote(_unescaped(found[1])), text)
    try:
        words = shlex.split(re.sub(r"\\\r?\n", " ", text))
    except ValueError as error:
        raise _not_read(f"its quotes don't match: {error}") from None
    if not words or words[0].rpartition("/")[2] not in {"curl", "curl.exe"}:
        raise _not_read("it does not begin with the word curl")
    return words[1:]


def _unescaped(text: str) -> str:
    def letter(found: re.Match[str]) -> str:
        code = found[1]
        if len(code) > 1:
            return chr(int(code[1:], 16))
        return _LETTERS.get(code, code)

    return _ESCAPE.sub(letter, text)


def _headers(given: argparse.Namespace) -> Iterator[tuple[str, str]]:
    for line in given.headers:
        name, colon, value = line.partition(":")
        if colon and value.strip():
            yield name.strip(), value.strip()
    user = given.user or urlsplit(given.address or "").netloc.rpartition("@")[0]
    if user:
        yield "Authorization", f"Basic {base64.b64encode(user.encode()).decode()}"


def _body(given: argparse.Namespace, headers: Sequence[tuple[str, str]]) -> tuple[str | None, str]:
    said = next((value for name, value in headers if name.lower() == "content-type"), "")
    if given.parts:
        raise _not_read("its body is multipart/form-data, which steps can't send")
    if any(text.startswith("@") for text in (*given.texts, *given.json)):
        raise _not_read("its body is read from a file; write the body itself into the command")
    if given.json:
        return "".join(given.json), said or "application/json"
    texts = [*given.texts, *map(_encoded, given.encoded)]
    if not texts:
        return None, said
    return "&".join(texts), said or FORM  # as curl does, whatever the text looks like


def _encoded(text: str) -> str:
    """Encode as `--data-urlencode` does: `name=content`, `=content` or `content`."""
    name, equals, content = text.partition("=")
    if not equals:
        return quote_plus(text)
    return f"{name}={quote_plus(content)}" if name else quote_plus(content)


def _usual_method(given: argparse.Namespace, body: str | None) -> str:
    return "HEAD" if given.head else "GET" if body is None else "POST"


def _remarks(unknown: Sequence[str], given: argparse.Namespace) -> Iterator[str]:
    options = [word.partition("=")[0] for word in unknown if word.startswith("-")]
    if told := dict.fromkeys([*options, *given.told]):
        yield f"The options {', '.join(told)} of the command line were not taken over."
    others = [word for word in unknown if "://" in word]
    if given.address and others:
        yield "The command line names several URLs, of which the first was taken over."


def _not_read(why: str) -> RequestError:
    return RequestError(
        f"the command line of curl can't be taken over: {why}",
        hint="give it in single quotes, as a browser's `Copy as cURL (bash)` writes it",
    )
