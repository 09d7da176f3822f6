"""Commands for a CI job: wait for a system, name the kept history, comment with a report.

Add here: another command for jobs. Keep out: what they do (ci/).
"""

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click

from perf_pipeline.cli.values import Line, Seconds, WholeNumber

_LONGEST: Final = 100
_LAST_LINES: Final = 20


@click.group()
def ci() -> None:
    """Help a job of a CI system (docs/ci.md)."""


@ci.command()
@click.argument("addresses", metavar="ADDRESS...", nargs=-1, required=True)
@click.option(
    "--within",
    "within_s",
    type=Seconds(),
    default="60s",
    show_default=True,
    help="For all addresses together.",
)
@click.option(
    "--process",
    type=WholeNumber(1),
    metavar="PID",
    help="Give up at once when this process has ended.",
)
@click.option(
    "--log",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Show the end of this file when nobody answers.",
)
def wait(addresses: Sequence[str], within_s: float, process: int | None, log: Path | None) -> None:
    """Wait until every ADDRESS answers, and exit with 97 when one does not.

    http:// and https:// have to answer GET with 200; tcp://HOST:PORT only accepts a connection.
    """
    from perf_pipeline.ci.waiting import wait_for
    from perf_pipeline.errors import TargetUnavailableError

    try:
        took_s = wait_for(
            addresses, within_s, time.monotonic, time.sleep, lambda: _is_alive(process)
        )
    except TargetUnavailableError:
        _show_end(log)
        raise
    click.echo(f"healthy after {took_s:.1f} s: {', '.join(addresses)}")


@ci.command()
@click.argument("name", type=Line(_LONGEST), default="perf-history")
@click.option("--default-branch", default="", metavar="BRANCH", help="Of the repository.")
def history(name: str, default_branch: str) -> None:
    """Print the key under which GitHub's cache keeps the history, as outputs of a step.

    The outputs are `key`, `read` (beginnings of keys, for restore-keys) and `kept`, which is false
    for a pull request: that reads the history of its base branch and keeps none.
    """
    from perf_pipeline.ci.kept_history import as_outputs, kept_history

    click.echo(as_outputs(kept_history(name, os.environ, default_branch)))


@ci.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--name",
    type=Line(_LONGEST),
    default="report",
    show_default=True,
    help="Each name has its own comment, for jobs that measure different things.",
)
def comment(file: Path, name: str) -> None:
    """Write FILE, a report.md, as the one comment of the pull request that a job tests.

    It is made once and replaced afterwards. The token is read from GITHUB_TOKEN or GITLAB_TOKEN.
    If it may not write, as in a pull request of a fork, the command says so, and the exit code
    stays the same.
    """
    from perf_pipeline.ci.comment import NotAllowedError, comment_text, write_comment
    from perf_pipeline.ci.discussion import discussion_of
    from perf_pipeline.errors import RequestError
    from perf_pipeline.loading.ci_facts import ci_facts

    facts = ci_facts(os.environ)
    if not (number := facts.get("pull_request")):
        click.echo("this job tests no pull request, so no comment is written")
        return
    try:
        report = file.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise RequestError(f"{file} can't be read: {error.strerror or error}") from error
    discussion = discussion_of(os.environ, number)
    text = comment_text(report, name, facts.get("build", ""), discussion.most)
    try:
        url = write_comment(discussion, text, time.sleep, name)
    except NotAllowedError as refusal:
        click.echo(
            f"no comment was written: {discussion.system} answered {refusal}. The token of a pull "
            "request from a fork may only read; otherwise give the job the right to write comments",
            err=True,
        )
        return
    click.echo(f"commented in pull request {number}{f': {url}' if url else ''}")


def _is_alive(process: int | None) -> bool:
    if process is None:
        return True
    from perf_pipeline.stack.process_register import start_mark

    return start_mark(process) is not None


def _show_end(log: Path | None) -> None:
    if log is None:
        return
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        click.echo(f"{log} can't be read: {error.strerror or error}", err=True)
        return
    click.echo(f"the last lines of {log}:" if lines else f"{log} is empty", err=True)
    for line in lines[-_LAST_LINES:]:
        click.echo(f"  {line}", err=True)
