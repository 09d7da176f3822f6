"""Read vegeta's report: `vegeta report --type=json`.

Add here: another figure of the report. Keep out: results, one a line (store/imports/).
"""

from datetime import datetime
from pathlib import Path
from typing import Any, Final

from perf_pipeline.importing.reporting import json_run, reported, reported_run, share_failed
from perf_pipeline.store.imports.foreign import ForeignRun

_NS_PER_MS: Final = 1e6
_NS_PER_S: Final = 1e9
_LATENCIES: Final = {
    "avg": "mean", "med": "50th", "p(90)": "90th", "p(95)": "95th", "p(99)": "99th",
    "min": "min", "max": "max",
}  # fmt: skip
_NOTICE: Final = "vegeta does not report iterations: each request counts as one"


def read_report(path: Path, *, shown: Path) -> ForeignRun:
    """Read a report of vegeta.

    Raises:
        ForeignFileError: it is not JSON, or no report of vegeta.
    """
    return json_run(path, shown, "report of vegeta", _run)


def _run(report: dict[str, Any]) -> ForeignRun:
    requests, latencies = int(report["requests"]), report["latencies"]
    durations = {
        statistic: latencies[name] / _NS_PER_MS
        for statistic, name in _LATENCIES.items()
        if requests and name in latencies
    }
    figures = [
        *reported("http_reqs", {"count": requests, "rate": report.get("rate")}),
        *reported("http_req_duration", {"count": requests, **durations} if requests else {}),
        *share_failed((1 - report["success"]) * requests, requests),
        *reported("data_sent", {"count": report["bytes_out"]["total"]}),
        *reported("data_received", {"count": report["bytes_in"]["total"]}),
    ]
    for code, count in report.get("status_codes", {}).items():
        figures += reported("http_reqs", {"count": count}, {"status": code})
    began_at = datetime.fromisoformat(report["earliest"]) if requests else None
    length_s = report["duration"] / _NS_PER_S
    return reported_run(
        "vegeta", requests, length_s, figures, began_at=began_at, notices=(_NOTICE,)
    )
