"""The metrics that k6 has built in are here under its names, of its kinds, with its statistics."""

import pytest

from perf_pipeline.metrics.catalog import CATALOG
from perf_pipeline.metrics.threshold import parse_threshold

# grafana/k6 metrics/builtin.go (v1.x): RegisterBuiltinMetrics; group_duration, websocket and gRPC
# metrics are not here, see docs/k6.md.
_K6 = {
    "vus": "gauge",
    "vus_max": "gauge",
    "iterations": "counter",
    "iteration_duration": "trend",
    "dropped_iterations": "counter",
    "checks": "rate",
    "http_reqs": "counter",
    "http_req_failed": "rate",
    "http_req_duration": "trend",
    "http_req_blocked": "trend",
    "http_req_connecting": "trend",
    "http_req_tls_handshaking": "trend",
    "http_req_sending": "trend",
    "http_req_waiting": "trend",
    "http_req_receiving": "trend",
    "data_sent": "counter",
    "data_received": "counter",
}


def test_every_built_in_metric_has_k6s_kind() -> None:
    assert {name: CATALOG[name].kind.value for name in _K6} == _K6


@pytest.mark.parametrize(
    ("key", "expression"),
    [
        ("vus", "value>0"),
        ("vus_max{scenario:create}", "value<=200"),
        ("iteration_duration", "p(95)<5000"),
        ("iteration_duration{scenario:create}", "med<5000"),
        ("http_req_waiting{scenario:create,status:200}", "p(99)<1000"),
        ("checks{check:status is 201}", "rate>0.99"),
        ("data_received{operation:read_user}", "rate>1000"),
    ],
)
def test_a_statistic_of_the_metrics_kind_is_legal(key: str, expression: str) -> None:
    assert parse_threshold(key, expression).key == key


@pytest.mark.parametrize(
    ("key", "expression", "why"),
    [
        ("vus", "rate>0", "vus is a gauge and has only: value"),
        ("vus", "p(95)<10", "vus is a gauge and has only: value"),
        ("iterations", "avg<10", "iterations is a counter and has only: count, rate"),
        ("checks", "count>1", "checks is a rate and has only: rate"),
        ("http_req_waiting", "rate<1", "http_req_waiting is a trend and has only"),
        ("vus{operation:read}", "value>0", "metric 'vus' has no tag 'operation'; it has: scenario"),
        ("iteration_duration{status:200}", "avg<1", "has no tag 'status'; it has: scenario"),
        ("http_reqs{check:ok}", "count>0", "has no tag 'check'"),
        ("group_duration", "avg<1", "metric 'group_duration' is unknown"),
    ],
)
def test_another_statistic_or_tag_is_refused_before_any_load(
    key: str, expression: str, why: str
) -> None:
    with pytest.raises(ValueError, match=why):
        parse_threshold(key, expression)
