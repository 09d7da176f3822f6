"""A test that fails on a busy machine may try once more; it is named, and few may.

pytest-rerunfailures repeats it (`--reruns 1`, in the Makefile). Add here: nothing. Keep out: which
errors are forgiven. The reasons stand in docs/decisions/0039-a-test-may-try-twice.md.
"""

from typing import Final

import pytest

MOST: Final = 3
"""How many tests of a whole run may need a second try before the run has failed nevertheless."""


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
