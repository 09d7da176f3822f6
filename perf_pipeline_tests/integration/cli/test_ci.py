"""The commands for jobs of CI systems, against a stand-in of GitHub's and GitLab's API."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from perf_pipeline.stack.service import free_port
from perf_pipeline_tests.support.commands.command_line import Answer, CommandLine
from perf_pipeline_tests.support.places import new_state
from perf_pipeline_tests.support.servers.discussions import (
    TOKEN,
    Discussions,
    Refusal,
    running_discussions,
)
from perf_pipeline_tests.support.servers.serving import QuietHandler, serving

ON_GITHUB = "/repos/shop/orders/issues"
ON_GITLAB = "/api/v4/projects/11/merge_requests/7/notes"
FORK: Refusal = (403, {}, json.dumps({"message": "Resource not accessible by integration"}))


@pytest.fixture
def discussions() -> Iterator[Discussions]:
    with running_discussions() as known:
        yield known


def told(tmp_path: Path, report: str, environment: dict[str, str], *more: str) -> Answer:
    (tmp_path / "report.md").write_text(report, encoding="utf-8")
    command = CommandLine(new_state(tmp_path / "state"))
    return command.here("ci", "comment", *more, str(tmp_path / "report.md"), **environment)


def test_a_pull_request_is_told_once_and_its_comment_replaced_afterwards(
    tmp_path: Path, discussions: Discussions
) -> None:
    discussions.comments |= {1: "looks good", 2: "<!-- another tool -->", 3: "> <!-- perf-pipeline"}

    first = told(tmp_path, "# FAIL", discussions.github)
    second = told(tmp_path, "# PASS", discussions.github)

    assert (first.code, second.code) == (0, 0), first.err + second.err
    assert "commented in pull request 7: https://x.example/103" in second.out
    [ours] = [text for key, text in discussions.comments.items() if key > 3]
    assert ours.splitlines()[0] == "<!-- perf-pipeline: report -->"
    assert "# PASS" in ours
    assert "FAIL" not in ours
    assert "(https://github.example/shop/orders/actions/runs/42)" in ours
    written = [line for line in discussions.asked if not line.startswith("GET")]
    assert written == [f"POST {ON_GITHUB}/7/comments", f"PATCH {ON_GITHUB}/comments/103"]
    assert TOKEN not in first.out + first.err


def test_each_name_has_a_comment_of_its_own(tmp_path: Path, discussions: Discussions) -> None:
    for name in ("orders", "search", "orders"):
        told(tmp_path, name, discussions.github, "--name", name)

    assert len(discussions.comments) == 2


def test_a_merge_request_of_gitlab_is_told_in_one_note(
    tmp_path: Path, discussions: Discussions
) -> None:
    for report in ("# FAIL", "# PASS"):
        answer = told(tmp_path, report, discussions.gitlab)
        assert answer.code == 0, answer.err

    [note] = discussions.comments.values()
    assert "# PASS" in note
    assert "(https://gitlab.example/job/42)" in note
    written = [line for line in discussions.asked if not line.startswith("GET")]
    assert written == [f"POST {ON_GITLAB}", f"PUT {ON_GITLAB}/100"]


def test_a_token_of_a_fork_is_told_and_changes_no_exit_code(
    tmp_path: Path, discussions: Discussions
) -> None:
    discussions.refusals = [FORK]

    answer = told(tmp_path, "# PASS", discussions.github)

    assert answer.code == 0
    assert "GitHub answered 403 Resource not accessible by integration" in answer.err
    assert "from a fork may only read" in answer.err
    assert discussions.comments == {}


def test_a_comment_that_somebody_removed_is_made_again(
    tmp_path: Path, discussions: Discussions
) -> None:
    told(tmp_path, "# FAIL", discussions.github)
    discussions.refusals = [(404, {}, "{}")]

    answer = told(tmp_path, "# PASS", discussions.github)

    assert answer.code == 0, answer.err
    assert discussions.asked[-1] == f"POST {ON_GITHUB}/7/comments"


def test_a_wrong_token_is_named_by_its_variable(tmp_path: Path, discussions: Discussions) -> None:
    wrong = discussions.github | {"GITHUB_TOKEN": "expired-token"}

    answer = told(tmp_path, "# PASS", wrong)

    assert answer.code == 97
    assert "GitHub did not take the comment: 401 Bad credentials" in answer.err
    assert "look at the token in GITHUB_TOKEN" in answer.err
    assert "expired-token" not in answer.err


def test_a_new_comment_is_never_sent_twice(tmp_path: Path, discussions: Discussions) -> None:
    discussions.refusals = [(502, {}, "")]

    answer = told(tmp_path, "# PASS", discussions.github)

    # The comment may have been written before the gateway gave up.
    assert answer.code == 97
    assert "GitHub did not take the comment: 502" in answer.err
    assert [line for line in discussions.asked if line.startswith("POST")] == [
        f"POST {ON_GITHUB}/7/comments"
    ]


def test_a_change_is_sent_again_when_the_system_was_busy(
    tmp_path: Path, discussions: Discussions
) -> None:
    told(tmp_path, "# FAIL", discussions.github)
    discussions.refusals = [(403, {"Retry-After": "0"}, "{}")]

    answer = told(tmp_path, "# PASS", discussions.github)

    assert answer.code == 0, answer.err
    assert "# PASS" in discussions.comments[100]


def test_a_long_report_is_cut_at_a_line_and_says_so(
    tmp_path: Path, discussions: Discussions
) -> None:
    told(tmp_path, "| a row of the table |\n" * 5_000, discussions.github)

    comment = discussions.comments[100]
    assert 60_000 < len(comment) <= 65_536
    rows = [line for line in comment.splitlines() if line.startswith("|")]
    assert set(rows) == {"| a row of the table |"}
    assert "the artifacts hold all of it" in comment
    assert comment.endswith("/actions/runs/42)")


def test_a_job_that_tests_no_pull_request_tells_nobody(
    tmp_path: Path, discussions: Discussions
) -> None:
    push = discussions.github | {"GITHUB_REF": "refs/heads/main"}

    answer = told(tmp_path, "# PASS", push)

    assert (answer.code, discussions.asked) == (0, [])
    assert "tests no pull request" in answer.out


def test_a_job_without_a_token_is_told_which_one_is_missing(
    tmp_path: Path, discussions: Discussions
) -> None:
    answer = told(tmp_path, "# PASS", discussions.github | {"GITHUB_TOKEN": ""})

    assert answer.code == 104
    assert "GITHUB_TOKEN is not set, so no comment was written" in answer.err


def test_an_api_that_is_not_there_is_told_with_its_address(
    tmp_path: Path, discussions: Discussions
) -> None:
    port = free_port()
    nowhere = discussions.github | {"GITHUB_API_URL": f"http://127.0.0.1:{port}"}

    answer = told(tmp_path, "# PASS", nowhere)

    assert answer.code == 97
    assert f"GitHub gave no answer at http://127.0.0.1:{port}/repos/shop" in answer.err


class _Busy(QuietHandler):
    answers = 0

    def do_GET(self) -> None:
        """Become healthy with the third answer."""
        type(self).answers += 1
        self.send_response(200 if self.answers > 2 else 503)
        self.send_header("Content-Length", "0")
        self.end_headers()


def test_a_job_waits_until_everything_answers(tmp_path: Path) -> None:
    command = CommandLine(new_state(tmp_path / "state"))
    with serving(_Busy) as base_url, socket.create_server(("127.0.0.1", 0)) as database:
        where = [f"{base_url}/health/", f"tcp://127.0.0.1:{database.getsockname()[1]}"]

        answer = command.here("ci", "wait", *where, "--within", "30s")

    assert answer.code == 0, answer.err
    assert answer.out.startswith("healthy after ")
    assert _Busy.answers == 3


def test_waiting_ends_with_what_was_answered_last_and_the_end_of_the_log(tmp_path: Path) -> None:
    address = f"tcp://127.0.0.1:{free_port()}"
    log = tmp_path / "application.log"
    log.write_text("".join(f"line {number}\n" for number in range(30)), encoding="utf-8")
    command = CommandLine(new_state(tmp_path / "state"))

    answer = command.here("ci", "wait", address, "--within", "100ms", "--log", str(log))

    assert answer.code == 97
    assert f"not healthy within 0.1 s: {address} accepts no connection" in answer.err
    assert "  line 29\n" in answer.err
    assert "line 9\n" not in answer.err


def test_waiting_ends_at_once_when_the_application_has_ended(tmp_path: Path) -> None:
    address = f"http://127.0.0.1:{free_port()}/health"
    ended = subprocess.Popen([sys.executable, "-S", "-c", ""])
    command = CommandLine(new_state(tmp_path / "state"))
    ended.wait()

    answer = command.here("ci", "wait", address, "--within", "60s", "--process", str(ended.pid))

    assert answer.code == 97
    assert "the process that was waited for ended" in answer.err
    assert answer.took_s < 30


@pytest.mark.parametrize(
    "address", ["127.0.0.1:8000", "tcp://127.0.0.1", "ftp://a/b", "http://[::"]
)
def test_an_address_that_can_t_be_waited_for_is_refused(tmp_path: Path, address: str) -> None:
    answer = CommandLine(new_state(tmp_path / "state")).here("ci", "wait", address)

    assert answer.code == 104
    assert "write http://HOST:PORT/PATH" in answer.err
