"""A stand-in for the comments of GitHub's and GitLab's pull requests, over real HTTP.

Written after docs.github.com/rest/issues/comments and docs.gitlab.com/api/notes: pages of
comments with a Link header, 201 for a new one, and a token that may write or not.
Add here: another answer of theirs. Keep out: expectations.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from perf_pipeline_tests.support.servers.serving import QuietHandler, serving

TOKEN: Final = "ghs-0123456789abcdef"
_A_PAGE: Final = 2
Refusal = tuple[int, dict[str, str], str]


@dataclass(slots=True)
class Discussions:
    """Hold what was written, and how the server answers.

    Attributes:
        base_url: of the API.
        comments: id -> text.
        asked: method and path of each request.
        refusals: answers of the next requests that write: status, headers, body.
    """

    base_url: str = ""
    comments: dict[int, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)

    @property
    def github(self) -> dict[str, str]:
        """Give the variables of a job of GitHub Actions that tests pull request 7."""
        return {
            "GITHUB_ACTIONS": "true",
            "GITHUB_API_URL": self.base_url,
            "GITHUB_REPOSITORY": "shop/orders",
            "GITHUB_REF": "refs/pull/7/merge",
            "GITHUB_REF_NAME": "7/merge",
            "GITHUB_BASE_REF": "main",
            "GITHUB_SERVER_URL": "https://github.example",
            "GITHUB_RUN_ID": "42",
            "GITHUB_EVENT_NAME": "pull_request",
            "GITHUB_TOKEN": TOKEN,
        }

    @property
    def gitlab(self) -> dict[str, str]:
        """Give the variables of a job of GitLab CI that tests merge request 7."""
        return {
            "GITLAB_CI": "true",
            "CI_API_V4_URL": f"{self.base_url}/api/v4",
            "CI_PROJECT_ID": "11",
            "CI_MERGE_REQUEST_IID": "7",
            "CI_JOB_URL": "https://gitlab.example/job/42",
            "GITLAB_TOKEN": TOKEN,
        }


class _Handler(QuietHandler):
    def __init__(self, known: Discussions, *args: Any) -> None:
        self._known = known
        super().__init__(*args)

    def _answer(self, status: int, told: Any, **headers: str) -> None:
        body = told if isinstance(told, str) else json.dumps(told)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())

    def _is_known(self) -> bool:
        self._known.asked.append(f"{self.command} {self.path.partition('?')[0]}")
        given = {self.headers.get("Authorization"), self.headers.get("PRIVATE-TOKEN")}
        if given & {f"Bearer {TOKEN}", TOKEN}:
            return True
        self._answer(401, {"message": "Bad credentials"})
        return False

    def do_GET(self) -> None:
        if not self._is_known():
            return
        path, _, query = self.path.partition("?")
        page = int(query.rpartition("page=")[2]) if "&page=" in query else 1
        everything = [{"id": key, "body": text} for key, text in self._known.comments.items()]
        shown = everything[(page - 1) * _A_PAGE : page * _A_PAGE]
        following = f"<{self._known.base_url}{path}?per_page={_A_PAGE}&page={page + 1}>"
        more = {"Link": f'{following}; rel="next"'} if page * _A_PAGE < len(everything) else {}
        self._answer(200, shown, **more)

    def _write(self) -> None:
        text = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["body"]
        if not self._is_known():
            return
        if self._known.refusals:
            status, headers, body = self._known.refusals.pop(0)
            self._answer(status, body, **headers)
            return
        is_new = self.command == "POST"
        number = 100 + len(self._known.comments) if is_new else int(self.path.rpartition("/")[2])
        self._known.comments[number] = text
        self._answer(
            201 if is_new else 200, {"id": number, "html_url": f"https://x.example/{number}"}
        )

    do_POST = _write
    do_PATCH = _write
    do_PUT = _write


@contextmanager
def running_discussions() -> Iterator[Discussions]:
    """Serve until the block ends."""
    known = Discussions()
    with serving(partial(_Handler, known)) as base_url:
        known.base_url = base_url
        yield known
