"""Files of k6: of one real run of k6 1.4.0 in every form, and made-up points for many runs.

The real ones were made by the script beside them:
`k6 run -e OUT=handle_summary.json --out json=points.ndjson --out csv=points.csv
--summary-export=summary_export.json script.js`, against a server that takes some milliseconds.
"""

import gzip
import json
import math
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

FILES: Final = Path(__file__).parents[2] / "integration" / "importing" / "k6"
POINTS: Final = FILES / "points.ndjson.gz"
CSV: Final = FILES / "points.csv.gz"
HANDLED: Final = FILES / "handle_summary.json"
EXPORTED: Final = FILES / "summary_export.json"
_FIRST: Final = datetime(2026, 3, 2, 6, tzinfo=UTC)
_METRIC: Final = {
    "type": "Metric",
    "metric": "http_req_duration",
    "data": {
        "name": "http_req_duration",
        "type": "trend",
        "contains": "time",
        "thresholds": ["p(95)<1000"],
        "submetrics": None,
    },
}


def points_text() -> str:
    """Return the real run's points as text."""
    return gzip.decompress(POINTS.read_bytes()).decode()


def k6_says() -> dict[str, Any]:
    """Return what k6 itself worked out for the real run, by metric."""
    metrics: dict[str, Any] = json.loads(HANDLED.read_text(encoding="utf-8"))["metrics"]
    return metrics


def write_points(path: Path, day: int, typical_ms: float, requests: int = 300) -> Path:
    """Write a made-up run of a day: durations around a typical one, in a wave that is no noise."""
    lines = [json.dumps(_METRIC)]
    for number in range(requests):
        wave = 0.3 * math.sin(number * 2.4 + day) + 0.02 * math.sin(day * 7.1)
        at = _FIRST + timedelta(days=day, milliseconds=50 * number)
        tags = {"scenario": "default", "name": "read", "status": "200", "expected_response": "true"}
        for metric, value in (
            ("http_reqs", 1.0),
            ("http_req_duration", typical_ms * (1 + wave)),
            ("http_req_failed", 0.0),
        ):
            data = {"time": at.isoformat(), "value": value, "tags": tags}
            lines.append(json.dumps({"metric": metric, "type": "Point", "data": data}))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
