"""Commit, branch and pull request are read from the variables that each CI system documents."""

import pytest

from perf_pipeline.loading.ci_facts import ci_facts, one_line

SHA = "0123456789abcdef0123456789abcdef01234567"
GITHUB = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_SHA": SHA,
    "GITHUB_REF_NAME": "main",
    "GITHUB_REF": "refs/heads/main",
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_REPOSITORY": "shop/orders",
    "GITHUB_RUN_ID": "77",
}
PAGE = "https://github.com/shop/orders/actions/runs/77"


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        (GITHUB, {"commit": SHA, "branch": "main", "build": PAGE}),
        (
            GITHUB | {"PERF_BASE_BRANCH": "main"},
            {"commit": SHA, "branch": "main", "build": PAGE},
        ),
        (
            GITHUB | {"GITHUB_REF_NAME": "faster", "PERF_BASE_BRANCH": "main"},
            {"commit": SHA, "branch": "faster", "base": "main", "build": PAGE},
        ),
        (
            {"GITLAB_CI": "true", "CI_COMMIT_REF_NAME": "faster", "CI_DEFAULT_BRANCH": "trunk"},
            {"branch": "faster", "base": "trunk"},
        ),
        (
            {"TF_BUILD": "True", "SYSTEM_PULLREQUEST_PULLREQUESTNUMBER": "8"}
            | {"SYSTEM_PULLREQUEST_TARGETBRANCH": "refs/heads/main"},
            {"pull_request": "8", "base": "main"},
        ),
        (
            GITHUB
            | {
                "GITHUB_HEAD_REF": "faster",
                "GITHUB_REF_NAME": "12/merge",
                "GITHUB_REF": "refs/pull/12/merge",
                "GITHUB_BASE_REF": "release-2",
                "PERF_BASE_BRANCH": "main",
            },
            {
                "commit": SHA,
                "branch": "faster",
                "pull_request": "12",
                "base": "release-2",
                "build": PAGE,
            },
        ),
        (
            {
                "GITLAB_CI": "true",
                "CI_COMMIT_SHA": SHA,
                "CI_COMMIT_REF_NAME": "refs/merge-requests/3/head",
                "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": "faster",
                "CI_MERGE_REQUEST_IID": "3",
                "CI_JOB_URL": "https://gitlab.example/job/1",
            },
            {
                "commit": SHA,
                "branch": "faster",
                "pull_request": "3",
                "build": "https://gitlab.example/job/1",
            },
        ),
        (
            {"JENKINS_URL": "http://j/", "GIT_COMMIT": SHA, "BRANCH_NAME": "PR-4"}
            | {"CHANGE_BRANCH": "faster", "CHANGE_ID": "4", "BUILD_URL": "http://j/job/1/"},
            {"commit": SHA, "branch": "faster", "pull_request": "4", "build": "http://j/job/1/"},
        ),
        (
            {"CIRCLECI": "true", "CIRCLE_SHA1": SHA, "CIRCLE_BRANCH": "faster"}
            | {"CIRCLE_PULL_REQUEST": "https://github.com/shop/orders/pull/5"},
            {"commit": SHA, "branch": "faster", "pull_request": "5"},
        ),
        (
            {"BUILDKITE": "true", "BUILDKITE_COMMIT": SHA, "BUILDKITE_BRANCH": "main"}
            | {"BUILDKITE_PULL_REQUEST": "false"},
            {"commit": SHA, "branch": "main"},
        ),
        (
            {"TF_BUILD": "True", "BUILD_SOURCEVERSION": SHA}
            | {"BUILD_SOURCEBRANCH": "refs/heads/main"},
            {"commit": SHA, "branch": "main"},
        ),
        (
            {"BITBUCKET_BUILD_NUMBER": "9", "BITBUCKET_COMMIT": SHA, "BITBUCKET_PR_ID": "6"},
            {"commit": SHA, "pull_request": "6"},
        ),
        (
            {"TRAVIS": "true", "TRAVIS_COMMIT": SHA, "TRAVIS_PULL_REQUEST": "false"}
            | {"TRAVIS_BRANCH": "main"},
            {"commit": SHA, "branch": "main"},
        ),
        ({"DRONE": "true", "DRONE_COMMIT_SHA": SHA}, {"commit": SHA}),
        ({"CI": "true", "GIT_COMMIT": SHA}, {}),
        ({}, {}),
    ],
    ids=[
        "github push",
        "github push to the base",
        "github push to a branch",
        "gitlab push to a branch",
        "azure pull request",
        "github pull request",
        "gitlab merge request",
        "jenkins change",
        "circle",
        "buildkite without a pull request",
        "azure",
        "bitbucket",
        "travis",
        "drone",
        "no system that is known",
        "none",
    ],
)
def test_each_ci_system_is_read_by_its_own_variables(
    variables: dict[str, str], expected: dict[str, str]
) -> None:
    assert ci_facts(variables) == expected


@pytest.mark.parametrize(
    ("text", "line"),
    [("\n v1.4.2 \nmore", "v1.4.2"), ("v1\x1b[31m", "v1[31m"), ("", ""), ("x" * 300, "x" * 200)],
)
def test_only_the_first_printable_line_is_kept(text: str, line: str) -> None:
    assert one_line(text) == line
