"""A test that fails on a busy machine may try once more, with all it uses anew; few tests may.

pytest-rerunfailures repeats it (`--reruns 1`, in the Makefile), but with the fixtures of its file
as they are: a test that asserts something of a run that its file shares would only read the same
run again. Here they end first, so that the second try measures anew. Add here: nothing. Keep out:
which errors are forgiven. The reasons stand in docs/decisions/0039-a-test-may-try-twice.md.
"""

from collections.abc import Generator
from typing import Final, cast

import pytest
from pytest_rerunfailures import StatusDB  # type: ignore[import-untyped]

MOST: Final = 5
"""How many tests of a whole run may need a second try before the run has failed nevertheless."""

FAILED: Final = pytest.StashKey[bool]()
"""Whether a test has failed in the try that is under way."""


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Let pytest-xdist's processes begin a test without asking whether one has died in it.

    The answer comes over a socket, 35 ms later, as TCP holds the question back until the message
    before is acknowledged. Only a process in the place of one that died has to know it: what has
    ended two is not run once more.
    """
    given = getattr(config, "workerinput", {})
    link = getattr(getattr(config, "failures_db", None), "sock", None)
    if given and link is not None and int(given["workerid"][2:]) < given["workercount"]:
        link.close()
        config.failures_db = StatusDB()  # type: ignore[attr-defined]  # the plugin's


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember that this try failed."""
    report = yield
    if report.failed:
        item.stash[FAILED] = True
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    """End the fixtures of a file one of whose tests is about to be tried again."""
    module = item.getparent(pytest.Module)
    tries = item.config.getoption("reruns", default=None)
    if tries and module is not None and module.parent is not None and item.stash.get(FAILED, False):
        item.stash[FAILED] = False
        # What ends is whatever is not above the file; pytest asks the next item for what is.
        above = cast("pytest.Item", module.parent)
        item.session._setupstate.teardown_exact(above)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell each first try that failed, with its reason."""
    reports = _first_tries(terminalreporter)
    if not reports:
        return
    terminalreporter.section("tests that needed a second try")
    for report in reports:
        terminalreporter.line(f"{report.nodeid}: {_reason(report)}")
    if len(reports) > MOST:
        terminalreporter.line(
            f"{len(reports)} tests needed a second try, and at most {MOST} may: this run failed."
        )


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run in which more tests needed a second try than chance on a busy machine explains."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and len(_first_tries(reporter)) > MOST and session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _first_tries(reporter: pytest.TerminalReporter) -> list[pytest.TestReport]:
    return [report for report in reporter.stats.get("rerun", []) if report.outcome == "rerun"]


def _reason(report: pytest.TestReport) -> str:
    """Give the sentence at which it failed, on one line."""
    crash = getattr(report.longrepr, "reprcrash", None)
    return " ".join(str(crash.message if crash is not None else report.longrepr).split())[:300]
