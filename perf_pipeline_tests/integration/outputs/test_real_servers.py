"""What real servers have of a run, and what the dashboards' queries show of it.

Prometheus, VictoriaMetrics and InfluxDB are those on PATH; where there is none, the header of the
test run says so, and the tests of the other files read what is sent by the official messages.
"""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest

from perf_pipeline.config.outputs import influxdb_url, prometheus_url
from perf_pipeline.metrics.catalog import CATALOG
from perf_pipeline.metrics.summary import Summary
from perf_pipeline.metrics.threshold import Status, Verdict, parse_threshold
from perf_pipeline.outputs.run_figures import run_points
from perf_pipeline.store.records import RunRecord
from perf_pipeline_tests.docs.dashboards import made_dashboards
from perf_pipeline_tests.support.histories.sent_runs import SECONDS, points_of_run, sent
from perf_pipeline_tests.support.servers.metric_servers import metric_server

PASS = Verdict(parse_threshold("http_reqs", "rate>1"), 20.0, Status.PASS)
RUN = RunRecord("r1", "own", "{}", "", 1, "here", "cli", "1", "")
# Every metric has every figure.
SUMMARIES = [("shop", Summary(metric, {}, *[1_000.0] * 11)) for metric in CATALOG]
ALL, NO_DATABASE = "all-tiers", "no-database"
HTTP_REQUESTS = SECONDS * 4


@cache
def client() -> httpx.Client:
    return httpx.Client(trust_env=False, timeout=20.0)


@pytest.fixture(scope="module", autouse=True)
def _connections_that_end() -> Iterator[None]:
    yield
    client().close()
    client.cache_clear()


def asked(url: str, path: str, **parameters: str) -> Any:
    answer = client().get(f"{url}{path}", params=parameters)
    assert answer.is_success, answer.text
    return answer.json()


def shown(url: str, query: str, run_id: str, seconds: int = 60) -> list[Any]:
    """Give the series that a panel would show of the last minute of a run."""
    query = query.replace("$testid", run_id).replace("$benchmark", ".*")
    query = query.replace("$__rate_interval", "5s").replace("$__interval", "5s")
    now = time.time_ns() // 10**9
    answer = asked(
        url, "/api/v1/query_range", query=query, start=str(now - seconds), end=str(now), step="1"
    )
    return list(answer["data"]["result"])


def queries(name: str = "run.json") -> list[tuple[str, str]]:
    """Give the panel and the query of each target of a dashboard."""
    text = next(text for path, text in made_dashboards() if path.name == name)
    panels = json.loads(text)["panels"]
    return [
        (panel["title"], target["expr"]) for panel in panels for target in panel.get("targets", [])
    ]


@pytest.fixture(scope="module", params=["prometheus", "victoria-metrics"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Give a server that was sent a run with all tiers, and one without a database."""
    folder = tmp_path_factory.mktemp("server")
    with metric_server(request.param, folder) as url:
        runs: Sequence[tuple[str, tuple[str, ...]]] = (
            (ALL, ("api", "database", "cache", "queue")),
            (NO_DATABASE, ("api", "cache", "queue")),
        )
        for run_id, tiers in runs:
            points = points_of_run(tmp_path_factory.mktemp(run_id) / "shop", run_id, tiers)
            told = sent("prometheus", prometheus_url(url), points)
            assert "took all" in told, told
        until_s = time.monotonic() + 30
        while not shown(url, 'k6_http_reqs_total{testid="$testid"}', NO_DATABASE):
            assert time.monotonic() < until_s
            time.sleep(0.1)
        yield url


def test_every_query_of_the_dashboard_shows_a_run_and_its_rest_without_a_tier(server: str) -> None:
    of_database = {title for title, query in queries() if "perf_db_" in query}

    empty = {title for title, query in queries() if not shown(server, query, ALL)}
    without = {title for title, query in queries() if not shown(server, query, NO_DATABASE)}

    assert empty == set()
    assert without == of_database
    assert len(of_database) == 4


def test_the_dashboards_variables_offer_the_runs_and_their_benchmarks(server: str) -> None:
    runs = asked(server, "/api/v1/label/testid/values")["data"]
    benchmarks = asked(
        server,
        "/api/v1/label/benchmark/values",
        **{"match[]": 'perf_operations_total{testid="all-tiers"}'},
    )

    assert set(runs) == {ALL, NO_DATABASE}
    assert benchmarks["data"] == ["shop"]


def test_every_query_over_runs_shows_a_point_for_each_run(server: str) -> None:
    now = datetime.now(UTC)
    for age_s in (30, 20, 10):
        began_at = (now - timedelta(seconds=age_s)).isoformat()
        run = replace(RUN, profile="own", began_at=began_at)
        points = list(run_points(run, SUMMARIES, [("shop", PASS)], ()))
        assert "took all" in sent("prometheus", prometheus_url(server), points)
    until_s = time.monotonic() + 30
    while not shown(server, 'perf_run_verdicts{profile="own"}', ""):
        assert time.monotonic() < until_s
        time.sleep(0.1)

    empty = [
        title
        for title, query in queries("trends.json")
        if not shown(server, query.replace("$profile", "own"), "")
    ]

    assert empty == []


def test_what_was_counted_is_what_was_sent(server: str) -> None:
    [series] = shown(server, 'k6_http_reqs_total{testid="$testid"}', ALL)

    assert float(series["values"][-1][1]) == HTTP_REQUESTS


def test_line_protocol_gives_the_same_names_in_victoria_metrics(tmp_path: Path) -> None:
    with metric_server("victoria-metrics", tmp_path) as url:
        points = points_of_run(tmp_path / "run" / "shop", ALL)
        told = sent("influxdb", influxdb_url(f"{url}/perf"), points)
        until_s = time.monotonic() + 30
        while not (found := shown(url, 'k6_http_reqs_total{testid="$testid"}', ALL)):
            assert time.monotonic() < until_s
            time.sleep(0.1)
        names = set(asked(url, "/api/v1/label/__name__/values")["data"])

    assert "took all" in told
    assert float(found[0]["values"][-1][1]) == HTTP_REQUESTS
    assert names == {point.series.metric for point in points}


def test_influxdb_answers_by_operation_and_tells_of_a_database_that_is_not_there(
    tmp_path: Path,
) -> None:
    with metric_server("influxd", tmp_path) as url:
        points = points_of_run(tmp_path / "run" / "shop", ALL)
        absent = sent("influxdb", influxdb_url(f"{url}/perf"), points[:10])
        client().post(f"{url}/query", params={"q": "create database perf"})
        told = sent("influxdb", influxdb_url(f"{url}/perf"), points)
        asking = 'select last("http_reqs_total") from k6 where "name" = \'pay\''
        answer = asked(url, "/query", db="perf", q=asking)

    assert "10 of 10 points were lost (it answers 404" in absent
    assert "is its path right, and the database there?" in absent
    assert told.endswith(f"took all {len(points):,} points")
    assert answer["results"][0]["series"][0]["values"][0][1] == HTTP_REQUESTS
