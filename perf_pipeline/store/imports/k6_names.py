"""Name a k6 metric with a tag filter here, as a threshold and as a series.

k6's own metrics have the same names here. A metric of a script, or one that is filtered by a tag
that samples don't keep here (url, method, group, tags of the script), is a series of its own under
its k6 name.

Add here: a metric of k6 that the catalog also has. Keep out: reading files.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from perf_pipeline.metrics.catalog import CATALOG, IMPORTED
from perf_pipeline.metrics.naming import metric_key, written_filter
from perf_pipeline.metrics.threshold_grammar import parse_key

REQUESTS: Final = (
    "http_reqs",
    "http_req_duration",
    "http_req_blocked",
    "http_req_connecting",
    "http_req_tls_handshaking",
    "http_req_sending",
    "http_req_waiting",
    "http_req_receiving",
    "http_req_failed",
)
_OF_REQUEST: Final = MappingProxyType(
    {"scenario": "scenario", "name": "operation", "status": "status"}
)
_OF_SCENARIO: Final = MappingProxyType({"scenario": "scenario"})
_OF_CHECK: Final = MappingProxyType({"scenario": "scenario", "check": "check"})
_NONE: Final[Mapping[str, str]] = MappingProxyType({})
# By k6's name: which of its tags are tags here.
_SAME: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        **dict.fromkeys(REQUESTS, _OF_REQUEST),
        **dict.fromkeys(("iterations", "iteration_duration", "dropped_iterations"), _OF_SCENARIO),
        "checks": _OF_CHECK,
        "vus": _NONE,
        "vus_max": _NONE,
    }
)
_BY_TYPE: Final = MappingProxyType(
    {"rate": "imported_rate", "counter": "imported_counter", "gauge": "imported_gauge"}
)
_KINDS: Final = MappingProxyType({name: kind for kind, name in _BY_TYPE.items()})
_EXPECTED: Final = ("expected_response", "true")
USUAL_FILTER: Final[Mapping[str, str]] = MappingProxyType(dict([_EXPECTED]))
"""The filter that k6 shows in every summary, without thresholds as well."""
# Before each tag of a series' name; a value may have blanks.
_BEFORE_TAG: Final = re.compile(r" (?=[^ =]+=)")


@dataclass(frozen=True, slots=True)
class K6Metric:
    """Describe a metric as k6 declares it.

    Attributes:
        name: its name in k6.
        kind: counter, gauge, rate or trend.
        is_time: its values are durations in ms.
    """

    name: str
    kind: str
    is_time: bool = False

    @property
    def is_same(self) -> bool:
        """Say whether the catalog has this metric."""
        return self.name in _SAME

    @property
    def imported_name(self) -> str:
        """Return the metric of the catalog for its values as a series of its own."""
        if self.kind == "trend":
            return "imported_time" if self.is_time else "imported_trend"
        return _BY_TYPE.get(self.kind, "imported_trend")


@dataclass(frozen=True, slots=True)
class Meant:
    """Say what a metric of k6 with a filter is here.

    Attributes:
        metric: in the catalog.
        tags: the filter here.
        is_same: samples, iterations or checks give its values; else it is a series of its own.
    """

    metric: str
    tags: Mapping[str, str]
    is_same: bool

    @property
    def key(self) -> str:
        """Return it as a profile writes it."""
        return metric_key(self.metric, written_filter(self.tags))


def meant_by(metric: K6Metric, tags: Mapping[str, str]) -> Meant:
    """Translate a metric with a filter.

    >>> meant_by(K6Metric("http_req_duration", "trend"), {"name": "login"}).key
    'http_req_duration{operation:login}'
    >>> meant_by(K6Metric("paid", "rate"), {"method": "GET"}).key
    'imported_rate{source:paid method=GET}'
    """
    known = _SAME.get(metric.name)
    found: dict[str, str] = {}
    for name, value in tags.items():
        if known is not None and name in known:
            found[known[name]] = value
        elif known is _OF_REQUEST and (name, value) == _EXPECTED:
            found["outcome"] = "ok"
        else:
            known = None
            break
    if known is not None:
        return Meant(metric.name, found, is_same=True)
    source = " ".join([metric.name, *(f"{name}={value}" for name, value in tags.items())])
    return Meant(metric.imported_name, {"source": source}, is_same=False)


@dataclass(frozen=True, slots=True)
class AskedSeries:
    """Hold a metric with a filter that somebody gave a threshold for.

    Attributes:
        key: the key of the threshold, as it was given.
        metric: the metric of k6.
        tags: the filter in k6's words.
    """

    key: str
    metric: K6Metric
    tags: Mapping[str, str]

    @property
    def meant(self) -> Meant:
        """Say what it is here."""
        return meant_by(self.metric, self.tags)


def asked_series(keys: Iterable[str], metrics: Mapping[str, K6Metric]) -> Iterator[AskedSeries]:
    """Yield what keys of thresholds ask for that is no metric of the catalog with its own tags.

    Args:
        keys: in k6's words (`paid{method:GET}`), or series of their own as they are called here.
        metrics: the metrics of the file, by name.
    """
    for key in keys:
        try:
            name, tags = parse_key(key)
        except ValueError:
            continue  # whoever reads the thresholds says what is wrong
        if name in IMPORTED and "source" in tags:
            source, *pairs = _BEFORE_TAG.split(tags["source"])
            kind = K6Metric(source, _KINDS.get(name, "trend"), name == "imported_time")
            filtered = dict(pair.split("=", 1) for pair in pairs)
            yield AskedSeries(key, metrics.get(source, kind), filtered)
        elif name in metrics and not (name in CATALOG and tags.keys() <= CATALOG[name].tags):
            yield AskedSeries(key, metrics[name], tags)


# What k6 itself measures, for files that do not say of which kind a metric is.
BUILT_IN: Final[Mapping[str, K6Metric]] = MappingProxyType(
    {
        metric.name: metric
        for metric in (
            *(K6Metric(name, "trend", is_time=True) for name in REQUESTS[1:-1]),
            K6Metric("http_reqs", "counter"),
            K6Metric("http_req_failed", "rate"),
            K6Metric("checks", "rate"),
            K6Metric("iterations", "counter"),
            K6Metric("dropped_iterations", "counter"),
            K6Metric("iteration_duration", "trend", is_time=True),
            K6Metric("group_duration", "trend", is_time=True),
            K6Metric("grpc_req_duration", "trend", is_time=True),
            K6Metric("ws_connecting", "trend", is_time=True),
            K6Metric("ws_session_duration", "trend", is_time=True),
            K6Metric("ws_ping", "trend", is_time=True),
            K6Metric("ws_sessions", "counter"),
            K6Metric("ws_msgs_sent", "counter"),
            K6Metric("ws_msgs_received", "counter"),
            K6Metric("data_sent", "counter"),
            K6Metric("data_received", "counter"),
            K6Metric("vus", "gauge"),
            K6Metric("vus_max", "gauge"),
        )
    }
)
