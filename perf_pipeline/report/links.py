"""The address at which people open a run's report, if its folder is served.

Add here: another address of a report. Keep out: serving files (stack/).
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

REPORTS_VARIABLE: Final = "PERF_REPORTS_URL"
_PAGE: Final = "report.html"


def report_link(environ: Mapping[str, str], run_id: str) -> str:
    """Return the address of a run's report; empty if reports are not served.

    >>> report_link({"PERF_REPORTS_URL": "https://perf.example.org/reports/"}, "r1")
    'https://perf.example.org/reports/r1/report.html'
    """
    base = environ.get(REPORTS_VARIABLE, "").rstrip("/")
    return f"{base}/{quote(run_id, safe='')}/{_PAGE}" if base else ""
