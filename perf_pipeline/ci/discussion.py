"""Find where a pull request is discussed: the address that takes comments, and who may write there.

Add here: another system for pull requests, with its API. Keep out: what is written (comment.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal
from urllib.parse import quote

from perf_pipeline.errors import RequestError
from perf_pipeline.secrecy.known import KNOWN

GITHUB_TOKEN: Final = "GITHUB_TOKEN"  # noqa: S105 - the name of a variable
GITLAB_TOKEN: Final = "GITLAB_TOKEN"  # noqa: S105 - the name of a variable
_LONGEST_ON_GITHUB: Final = 65_536
_LONGEST_ON_GITLAB: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Discussion:
    """Say how the comments of one pull request are read and written.

    Attributes:
        system: its name, for people.
        token: the variable that holds the token.
        comments: URL that lists them, and takes a new one.
        one: URL that an id is added to, for one of them.
        change: the method that replaces a comment.
        most: characters of one comment.
        headers: the headers of every request; they hold the token.
    """

    system: str
    token: str
    comments: str
    one: str
    change: Literal["PATCH", "PUT"]
    most: int
    headers: Mapping[str, str] = field(repr=False)


def discussion_of(environment: Mapping[str, str], pull_request: str) -> Discussion:
    """Return the discussion of the pull request, or merge request, that a job tests.

    Sources: docs.github.com/rest/issues/comments, docs.gitlab.com/api/notes.

    Args:
        environment: the environment of the job.
        pull_request: its number.

    Raises:
        RequestError: the job is none of GitHub Actions or GitLab CI, or has no token.
    """
    if environment.get("GITHUB_ACTIONS"):
        return _on_github(environment, pull_request)
    if environment.get("GITLAB_CI"):
        return _on_gitlab(environment, pull_request)
    raise RequestError(
        "this is not a job of GitHub Actions or GitLab CI, so no pull request can be commented on",
        hint="docs/ci.md says what other CI systems can show",
    )


def _on_github(environment: Mapping[str, str], pull_request: str) -> Discussion:
    api = environment.get("GITHUB_API_URL") or "https://api.github.com"
    issues = f"{api.rstrip('/')}/repos/{environment.get('GITHUB_REPOSITORY', '')}/issues"
    headers = {
        "Authorization": f"Bearer {_secret(environment, GITHUB_TOKEN)}",
        "Accept": "application/vnd.github+json",
        "X-GitHub-Api-Version": "2022-11-28",
    }
    return Discussion(
        "GitHub",
        GITHUB_TOKEN,
        f"{issues}/{quote(pull_request)}/comments",
        f"{issues}/comments/",
        "PATCH",
        _LONGEST_ON_GITHUB,
        headers,
    )


def _on_gitlab(environment: Mapping[str, str], pull_request: str) -> Discussion:
    api = environment.get("CI_API_V4_URL") or "https://gitlab.com/api/v4"
    project = quote(environment.get("CI_PROJECT_ID", ""))
    notes = f"{api.rstrip('/')}/projects/{project}/merge_requests/{quote(pull_request)}/notes"
    headers = {"PRIVATE-TOKEN": _secret(environment, GITLAB_TOKEN)}
    return Discussion(
        "GitLab", GITLAB_TOKEN, notes, f"{notes}/", "PUT", _LONGEST_ON_GITLAB, headers
    )


def _secret(environment: Mapping[str, str], name: str) -> str:
    token = environment.get(name, "").strip()
    if not (token and token.isascii() and token.isprintable()):
        wrong = "holds characters that no token has" if token else "is not set"
        raise RequestError(
            f"{name} {wrong}, so no comment was written",
            hint="give the step a token that may write comments, in this variable (docs/ci.md)",
        )
    KNOWN.add(token)
    return token
