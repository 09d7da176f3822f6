"""A profile that knows nothing of the reference system: three benchmarks, one switched off."""

from pathlib import Path
from typing import Final

# In this order, which is not that of the alphabet; the one between the others is switched off.
VISITS: Final = ("walk", "search", "buy")
HEAD: Final = """
name = "shop-visits"
workers = 1
calibration = false
target = "here"
[targets.here]
baseUrl = "http://127.0.0.1:{port}"
"""
BENCHMARK: Final = """
[benchmarks.{name}]
enabled = {enabled}
assetGroup = "shop"
description = "People {name}."
[benchmarks.{name}.scenarios.visits]
exec = "http_steps"
executor = "per-vu-iterations"
vus = 1
iterations = 3
parameters = {{ steps = [{{ name = "ok", path = "/ok" }}] }}
[benchmarks.{name}.thresholds]
http_req_duration = ["p(95)<9000"]
"""


def own_profile(path: Path, port: int = 9) -> Path:
    """Write a profile of three benchmarks, the middle one switched off."""
    tables = [
        BENCHMARK.format(name=visit, enabled=str(visit != "search").lower()) for visit in VISITS
    ]
    path.write_text(HEAD.format(port=port) + "".join(tables))
    return path
