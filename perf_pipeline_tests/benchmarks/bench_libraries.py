"""What is written by hand in the measured path, beside the libraries that do the same.

Run by hand: `python -m perf_pipeline_tests.benchmarks.bench_libraries`.
Processor time of one JSON path looked up, of one cookie taken and sent, and of one value put into a
histogram, with the largest error of its percentiles. Five interleaved rounds, medians, ratios.
Libraries that are in no lock are left out where they are not there; what adds them:
`pip install --target FOLDER aiohttp ddsketch hdrhistogram` and PYTHONPATH=FOLDER.
Add here: another thing that a library could do. Keep out: assertions (tests have them).
"""

import asyncio
import json
import statistics
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from importlib import import_module
from time import process_time
from typing import Any, Final

import duckdb
import httpx
import numpy as np
from jsonpath import JSONPathEnvironment

from perf_pipeline.config.json_path import parse_json_path
from perf_pipeline.metrics.histogram import RELATIVE_ERROR, Histogram
from perf_pipeline.store.histograms import BUCKET
from perf_pipeline.workloads.http.origin import HttpOrigin
from perf_pipeline.workloads.http.result import HttpResult
from perf_pipeline.workloads.steps.checks import CheckedResponse
from perf_pipeline.workloads.steps.cookies import CookieJar

ROUNDS: Final = 5
TIMES: Final = 5_000
VALUES: Final = 100_000
BODY: Final = b'{"user": {"emails": ["a@b", "c@d"]}, "items": [{"id": 1}, {"id": 2}]}'
COOKIE: Final = "session=abc123def456; Path=/; HttpOnly; SameSite=Lax; Max-Age=3600"
BASE: Final = "http://127.0.0.1:8000"
ONE_HOUR_US: Final = 3_600_000_000


def told(title: str, ways: Mapping[str, Callable[[], object]], *, times: int, each: int) -> None:
    """Print the median cost of each way in µs, and its ratio to the first, which is ours."""
    costs: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            began_s = process_time()
            for _ in range(times):
                way()
            costs[name].append((process_time() - began_s) / times / each * 1e6)
    medians = {name: statistics.median(values) for name, values in costs.items()}
    ours = next(iter(medians.values()))
    sys.stdout.write(f"{title}\n")
    for name, cost in medians.items():
        sys.stdout.write(f"  {name:<24}{cost:8.3f} us {cost / ours:8.1f}x\n")


def json_paths() -> None:
    """Look one value up in a document that was read before."""
    document = json.loads(BODY)
    told("the document itself", {"json.loads": lambda: json.loads(BODY)}, times=TIMES, each=1)
    for path in ("$.items[-1].id", "$.user.emails[1]", "$.user.none"):
        query = JSONPathEnvironment(strict=True).compile(path)
        result = HttpResult(
            200, [], BODY, "", 0, 0, 0, 1, 1, 1, 0, 0, connected=False, resent=False
        )
        answer = CheckedResponse(result)
        ways: dict[str, Callable[[], object]] = {
            "ours": partial(answer.at, parse_json_path(path)),
            "python-jsonpath": partial(query.findall, document),
        }
        told(f"JSON path {path}", ways, times=TIMES, each=1)


def cookies() -> None:
    """Take a Set-Cookie line, and write the Cookie header of a request."""
    jar, theirs = CookieJar(HttpOrigin.parse(BASE)), httpx.Cookies()
    request = httpx.Request("GET", f"{BASE}/user/1")
    response = httpx.Response(200, headers=[("Set-Cookie", COOKIE)], request=request)
    taking: dict[str, Callable[[], object]] = {
        "ours": lambda: jar.take([(b"Set-Cookie", COOKIE.encode())], "/user/1"),
        "http.cookiejar (httpx)": lambda: theirs.extract_cookies(response),
    }
    sending: dict[str, Callable[[], object]] = {
        "ours": lambda: jar.pairs_for("/user/1"),
        "http.cookiejar (httpx)": lambda: theirs.set_cookie_header(httpx.Request("GET", BASE)),
        "of it, httpx.Request": lambda: httpx.Request("GET", BASE),
    }
    with suppress(ImportError):
        their_jar = import_module("aiohttp").CookieJar(unsafe=True)
        read = import_module("aiohttp._cookie_helpers").parse_set_cookie_headers
        url = import_module("yarl").URL(f"{BASE}/user/1")
        taking["aiohttp"] = lambda: their_jar.update_cookies(read([COOKIE]), url)
        sending["aiohttp"] = lambda: their_jar.filter_cookies(url)
    told("take a cookie", taking, times=TIMES, each=1)
    told("send a cookie", sending, times=TIMES, each=1)


def histograms() -> None:
    """Fill a histogram with log-normal latencies in ms, ours by SQL as the history does."""
    values = np.random.default_rng(7).lognormal(2, 0.6, VALUES)
    as_list: list[float] = values.tolist()
    with duckdb.connect() as connection:
        connection.execute("create table src as select unnest(?) as value", [as_list])
        ways: dict[str, Callable[[], Any]] = {"ours": lambda: _filled(connection)}
        with suppress(ImportError):
            sketch = import_module("ddsketch").DDSketch
            ways["ddsketch"] = lambda: _added(sketch(RELATIVE_ERROR), as_list)
        with suppress(ImportError):
            hdr = import_module("hdrh.histogram").HdrHistogram
            ways["hdrhistogram"] = lambda: _recorded(hdr(1, ONE_HOUR_US, 3), as_list)
        told("a value into a histogram", ways, times=1, each=VALUES)
        for name, way in ways.items():
            error = _largest_error(way(), values)
            sys.stdout.write(f"  {name:<24}{100 * error:8.3f} % largest error\n")


def _filled(connection: duckdb.DuckDBPyConnection) -> Histogram:
    rows = connection.execute(
        f"select cast({BUCKET} as integer), count(*), sum(value), min(value), max(value) "
        "from src group by 1"
    ).fetchall()
    buckets, counts, totals, lows, highs = zip(*rows, strict=True)
    filled = dict(zip(buckets, counts, strict=True))
    return Histogram(sum(counts), sum(totals), min(lows), max(highs), filled)


def _added(sketch: Any, values: list[float]) -> Any:
    for value in values:
        sketch.add(value)
    return sketch


def _recorded(histogram: Any, values: list[float]) -> Any:
    for value in values:
        histogram.record_value(int(1_000 * value))
    return histogram


def _largest_error(filled: Any, values: "np.ndarray[Any, np.dtype[np.float64]]") -> float:
    """Give the largest share by which a percentile is wrong."""
    ask: Callable[[float], float]
    if isinstance(filled, Histogram):
        ask = lambda percent: filled.percentile(percent) or 0.0  # noqa: E731
    elif hasattr(filled, "get_quantile_value"):
        ask = lambda percent: filled.get_quantile_value(percent / 100)  # noqa: E731
    else:
        ask = lambda percent: filled.get_value_at_percentile(percent) / 1_000  # noqa: E731
    right = {percent: float(np.percentile(values, percent)) for percent in (50, 90, 95, 99, 99.9)}
    errors = [abs(float(ask(percent)) - value) / value for percent, value in right.items()]
    return max(errors)


async def _all() -> None:
    """Measure everything, inside of an event loop, which aiohttp's jar asks for."""
    json_paths()
    cookies()
    histograms()


if __name__ == "__main__":
    asyncio.run(_all())
