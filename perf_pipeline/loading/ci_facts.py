"""Read facts about the code under test from CI: commit, branch, pull request, link to the job.

Add here: another CI system, as a row of `_SYSTEMS`. Keep out: the target's version (revision.py).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

BASE_VARIABLE: Final = "PERF_BASE_BRANCH"
_NONE: Final = frozenset({"", "false"})
_LONGEST: Final = 200
_GITHUB_PULL: Final = re.compile(r"refs/pull/(\d+)/")


@dataclass(frozen=True, slots=True)
class _CiSystem:
    """Name the environment variables of a CI system; of several, the first that is set counts.

    Attributes:
        name: its name for people.
        sign: the variable that only this system sets.
        commit: variables with the commit.
        branch: variables with the branch; for a pull request, the branch to be merged.
        pull_request: variables with its number, or with a URL that ends in it.
        build: variables with the URL of the build's page.
        base: variables with the branch into which a pull request is to be merged, or else the
            branch that others start from.
    """

    name: str
    sign: str
    commit: tuple[str, ...]
    branch: tuple[str, ...]
    pull_request: tuple[str, ...]
    build: tuple[str, ...] = ()
    base: tuple[str, ...] = ()


# Sources: each system's page of predefined variables.
_SYSTEMS: Final = (
    _CiSystem(
        "GitHub Actions",
        "GITHUB_ACTIONS",
        ("GITHUB_SHA",),
        ("GITHUB_HEAD_REF", "GITHUB_REF_NAME"),
        (),
        base=("GITHUB_BASE_REF",),
    ),
    _CiSystem(
        "GitLab CI",
        "GITLAB_CI",
        ("CI_COMMIT_SHA",),
        ("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", "CI_COMMIT_REF_NAME"),
        ("CI_MERGE_REQUEST_IID",),
        ("CI_JOB_URL", "CI_PIPELINE_URL"),
        ("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "CI_DEFAULT_BRANCH"),
    ),
    _CiSystem(
        "Jenkins",
        "JENKINS_URL",
        ("GIT_COMMIT",),
        ("CHANGE_BRANCH", "BRANCH_NAME", "GIT_BRANCH"),
        ("CHANGE_ID",),
        ("BUILD_URL",),
        ("CHANGE_TARGET",),
    ),
    _CiSystem(
        "CircleCI",
        "CIRCLECI",
        ("CIRCLE_SHA1",),
        ("CIRCLE_BRANCH",),
        ("CIRCLE_PR_NUMBER", "CIRCLE_PULL_REQUEST"),
        ("CIRCLE_BUILD_URL",),
    ),
    _CiSystem(
        "Buildkite",
        "BUILDKITE",
        ("BUILDKITE_COMMIT",),
        ("BUILDKITE_BRANCH",),
        ("BUILDKITE_PULL_REQUEST",),
        ("BUILDKITE_BUILD_URL",),
        ("BUILDKITE_PULL_REQUEST_BASE_BRANCH", "BUILDKITE_PIPELINE_DEFAULT_BRANCH"),
    ),
    _CiSystem(
        "Azure Pipelines",
        "TF_BUILD",
        ("BUILD_SOURCEVERSION",),
        ("SYSTEM_PULLREQUEST_SOURCEBRANCH", "BUILD_SOURCEBRANCH"),
        ("SYSTEM_PULLREQUEST_PULLREQUESTNUMBER", "SYSTEM_PULLREQUEST_PULLREQUESTID"),
        base=("SYSTEM_PULLREQUEST_TARGETBRANCH",),
    ),
    _CiSystem(
        "Bitbucket Pipelines",
        "BITBUCKET_BUILD_NUMBER",
        ("BITBUCKET_COMMIT",),
        ("BITBUCKET_BRANCH",),
        ("BITBUCKET_PR_ID",),
        base=("BITBUCKET_PR_DESTINATION_BRANCH",),
    ),
    _CiSystem(
        "Travis CI",
        "TRAVIS",
        ("TRAVIS_PULL_REQUEST_SHA", "TRAVIS_COMMIT"),
        ("TRAVIS_PULL_REQUEST_BRANCH", "TRAVIS_BRANCH"),
        ("TRAVIS_PULL_REQUEST",),
        ("TRAVIS_BUILD_WEB_URL",),
        ("TRAVIS_BRANCH",),
    ),
    _CiSystem(
        "Drone",
        "DRONE",
        ("DRONE_COMMIT_SHA",),
        ("DRONE_SOURCE_BRANCH", "DRONE_BRANCH"),
        ("DRONE_PULL_REQUEST",),
        ("DRONE_BUILD_LINK",),
        ("DRONE_TARGET_BRANCH",),
    ),
    _CiSystem(
        "Woodpecker",
        "CI_SYSTEM_NAME",
        ("CI_COMMIT_SHA",),
        ("CI_COMMIT_SOURCE_BRANCH", "CI_COMMIT_BRANCH"),
        ("CI_COMMIT_PULL_REQUEST",),
        ("CI_PIPELINE_URL",),
        ("CI_COMMIT_TARGET_BRANCH", "CI_REPO_DEFAULT_BRANCH"),
    ),
    _CiSystem("TeamCity", "TEAMCITY_VERSION", ("BUILD_VCS_NUMBER",), ("GIT_BRANCH",), ()),
)


def ci_facts(environment: Mapping[str, str]) -> dict[str, str]:
    """Return commit, branch, pull_request, build and base if CI names them; else nothing.

    The base is the branch from which a pull request, or a branch other than the base itself,
    started; PERF_BASE_BRANCH names it if CI does not.

    >>> ci_facts({"GITLAB_CI": "true", "CI_COMMIT_SHA": "1f0c", "CI_COMMIT_REF_NAME": "main"})
    {'commit': '1f0c', 'branch': 'main'}
    """
    system = next((known for known in _SYSTEMS if environment.get(known.sign)), None)
    if system is None:
        return {}
    found = {
        "commit": _first(environment, system.commit),
        "branch": _first(environment, system.branch).removeprefix("refs/heads/"),
        "pull_request": _first(environment, system.pull_request).rstrip("/").rpartition("/")[2],
        "build": _first(environment, system.build),
    }
    if system.sign == "GITHUB_ACTIONS":
        found |= _of_github(environment)
    told = (*system.base, BASE_VARIABLE)
    base = _first(environment, told if found["pull_request"] else told[::-1])
    base = base.removeprefix("refs/heads/")
    if found["pull_request"] or found["branch"] not in {"", base}:
        found["base"] = base
    return {name: value for name, value in found.items() if value}


def one_line(text: str) -> str:
    """Return the first line of a text with printable letters, cut off if it is very long."""
    lines = ("".join(filter(str.isprintable, line)).strip() for line in text.splitlines())
    return next(filter(None, lines), "")[:_LONGEST]


def _first(environment: Mapping[str, str], names: tuple[str, ...]) -> str:
    values = (one_line(environment.get(name, "")) for name in names)
    return next((value for value in values if value not in _NONE), "")


def _of_github(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what no variable of GitHub holds: the pull request's number, the run's page."""
    pull = _GITHUB_PULL.match(environment.get("GITHUB_REF", ""))
    parts = [environment.get(f"GITHUB_{name}", "") for name in ("SERVER_URL", "REPOSITORY")]
    run = environment.get("GITHUB_RUN_ID", "")
    build = "/".join([*parts, "actions", "runs", run]) if run and all(parts) else ""
    return {"pull_request": pull[1] if pull else "", "build": one_line(build)}
