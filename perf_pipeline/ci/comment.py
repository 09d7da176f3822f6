"""Write the one comment of a pull request that shows its report: made once, replaced later.

Add here: what a comment says beside the report. Keep out: the report (report/), and where comments
are kept (discussion.py).
"""

import re
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from typing import Any, Final

import httpx

from perf_pipeline.ci.discussion import Discussion
from perf_pipeline.errors import TargetUnavailableError
from perf_pipeline.secrecy.known import KNOWN

_TIMEOUT_S: Final = 20.0
_TRIES: Final = 3
_PAUSE_S: Final = 2.0
_LONGEST_PAUSE_S: Final = 30.0
_A_PAGE: Final = 100
_MOST_PAGES: Final = 100
_NOT_ALLOWED: Final = frozenset({HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND})
_CUT: Final = "\n\n*The report is longer than a comment may be; the artifacts hold all of it.*"


class NotAllowedError(Exception):
    """Say that the token may not write here, as that of a fork may not; nothing is wrong."""


def comment_text(report: str, name: str, build: str, most: int) -> str:
    """Return the comment for a report, cut where the system takes no more.

    Args:
        report: in Markdown.
        name: the name of the comment; each name has one comment of its own.
        build: URL of the job's page; empty where it is not known.
        most: characters.
    """
    end = f"\n\n[The job, its log and its artifacts]({build})" if build else ""
    whole = f"{_mark(name)}\n{KNOWN.mask(report).strip()}"
    if len(whole) + len(end) <= most:
        return whole + end
    kept = whole[: most - len(end) - len(_CUT)]
    return kept[: kept.rfind("\n") + 1].rstrip() + _CUT + end


def write_comment(
    discussion: Discussion, text: str, sleep: Callable[[float], None], name: str = ""
) -> str:
    """Replace the comment of this name, or make it where there is none; return its URL.

    A comment that begins with the same mark is ours, whoever pushed since.

    Args:
        discussion: the discussion of the pull request.
        text: with its mark, as `comment_text` makes it.
        sleep: waits so many seconds before another try.
        name: the name of the comment.

    Raises:
        NotAllowedError: the token may not write, which is so for pull requests of forks.
        TargetUnavailableError: the system did not take it; says what it answered.
    """
    with httpx.Client(
        timeout=_TIMEOUT_S, headers=discussion.headers, follow_redirects=True
    ) as client:
        api = _Api(client, discussion, sleep)
        found = next(
            (comment for comment in api.comments() if _text(comment).startswith(_mark(name))), None
        )
        answer = api.replace(str(found["id"]), text) if found else None
        return str(_field(answer if answer is not None else api.make(text), "html_url"))


class _Api:
    """Ask the API of one discussion."""

    def __init__(
        self, client: httpx.Client, discussion: Discussion, sleep: Callable[[float], None]
    ) -> None:
        self._client = client
        self._discussion = discussion
        self._sleep = sleep

    def comments(self) -> Iterator[Mapping[str, Any]]:
        """Return all comments, oldest first."""
        url: str | None = f"{self._discussion.comments}?per_page={_A_PAGE}"
        for _ in range(_MOST_PAGES):
            if url is None:
                return
            answer = self._taken("GET", url, None)
            yield from _listed(answer, self._discussion.system)
            url = answer.links.get("next", {}).get("url")

    def replace(self, number: str, text: str) -> httpx.Response | None:
        """Replace a comment; None where somebody has removed it meanwhile."""
        url = f"{self._discussion.one}{number}"
        answer = self._answer(self._discussion.change, url, text)
        if answer.status_code == HTTPStatus.NOT_FOUND:
            return None
        return self._accepted(answer)

    def make(self, text: str) -> httpx.Response:
        """Make a comment."""
        return self._taken("POST", self._discussion.comments, text)

    def _taken(self, method: str, url: str, text: str | None) -> httpx.Response:
        return self._accepted(self._answer(method, url, text))

    def _answer(self, method: str, url: str, text: str | None) -> httpx.Response:
        """Return an answer, after another try where the system was busy.

        A comment is not made twice: only where nothing can have been written is it sent again.
        """
        body = None if text is None else {"body": text}
        for left in reversed(range(_TRIES)):
            try:
                answer = self._client.request(method, url, json=body)
            except httpx.HTTPError as error:
                if not left or (method == "POST" and not isinstance(error, httpx.ConnectError)):
                    raise self._silent(error) from error
                self._sleep(_PAUSE_S)
                continue
            if not left or method == "POST" or not _is_busy(answer):
                return answer
            self._sleep(_pause_s(answer))
        raise AssertionError("the last try returns or raises")

    def _accepted(self, answer: httpx.Response) -> httpx.Response:
        if answer.is_success:
            return answer
        told = f"{answer.status_code} {_reason(answer)}".strip()
        if answer.status_code in _NOT_ALLOWED and not _is_busy(answer):
            raise NotAllowedError(told)
        system, token = self._discussion.system, self._discussion.token
        raise TargetUnavailableError(
            f"{system} did not take the comment: {told}",
            hint=f"look at the token in {token}"
            if answer.status_code == HTTPStatus.UNAUTHORIZED
            else "run the job again; the report is among its artifacts",
        )

    def _silent(self, error: httpx.HTTPError) -> TargetUnavailableError:
        told = str(error) or type(error).__name__
        return TargetUnavailableError(
            f"{self._discussion.system} gave no answer at {self._discussion.comments}: {told}",
            hint="run the job again; the report is among its artifacts",
        )


def _mark(name: str) -> str:
    """Return the first line of our comments, which people don't see."""
    plain = re.sub(r"[^\w. -]|--", "_", name)
    return f"<!-- perf-pipeline: {plain} -->" if plain else "<!-- perf-pipeline -->"


def _text(comment: Mapping[str, Any]) -> str:
    return str(comment.get("body") or "").lstrip()


def _listed(answer: httpx.Response, system: str) -> list[Mapping[str, Any]]:
    told = _json(answer)
    if not isinstance(told, list):
        raise TargetUnavailableError(f"{system} listed no comments at {answer.url}")
    return [comment for comment in told if isinstance(comment, dict) and "id" in comment]


def _is_busy(answer: httpx.Response) -> bool:
    """Say whether another try may help: GitHub reports its request limits as 403, too."""
    return (
        answer.is_server_error
        or answer.status_code == HTTPStatus.TOO_MANY_REQUESTS
        or (answer.status_code == HTTPStatus.FORBIDDEN and "retry-after" in answer.headers)
    )


def _pause_s(answer: httpx.Response) -> float:
    told = answer.headers.get("retry-after", "")
    return min(float(told), _LONGEST_PAUSE_S) if told.isdigit() else _PAUSE_S


def _reason(answer: httpx.Response) -> str:
    return str(_field(answer, "message") or answer.reason_phrase)[:200]


def _field(answer: httpx.Response, name: str) -> object:
    """Return a field of the object that was answered; empty where it is absent."""
    told = _json(answer)
    return (told.get(name) if isinstance(told, dict) else None) or ""


def _json(answer: httpx.Response) -> Any:
    """Return what was answered; None where it is not JSON."""
    try:
        return answer.json()
    except ValueError:
        return None
