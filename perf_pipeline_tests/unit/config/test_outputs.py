"""Where figures are sent: URLs of receivers, and who names them."""

import pytest

from perf_pipeline.config.loading import load_profile
from perf_pipeline.config.outputs import influxdb_url, otel_url, outs_of, prometheus_url, read_out
from perf_pipeline.errors import ProfileError


@pytest.mark.parametrize(
    ("given", "posted"),
    [
        ("http://127.0.0.1:8086/perf", "http://127.0.0.1:8086/write?db=perf&precision=ms"),
        ("http://h:8086/my%20db", "http://h:8086/write?db=my%20db&precision=ms"),
        ("http://h:8428/?db=x", "http://h:8428/write?db=x&precision=ms"),
        ("http://h/insert/0/influx?db=x&rp=y", "http://h/insert/0/influx/write?db=x&rp=y&precision=ms"),
        ("https://h?org=a b&bucket=c", "https://h/api/v2/write?org=a%20b&bucket=c&precision=ms"),
    ],
    ids=["as k6 writes it", "blank", "db", "prefix", "InfluxDB 2"],
)  # fmt: skip
def test_line_protocol_goes_where_both_generations_of_influxdb_take_it(
    given: str, posted: str
) -> None:
    # InfluxDB 1.8, "POST /write"; InfluxDB 2, "POST /api/v2/write": db, org, bucket, precision.
    assert influxdb_url(given) == posted


def test_the_usual_paths_need_not_be_written() -> None:
    # Prometheus, "Remote write receiver"; OTLP specification, "OTLP/HTTP request".
    assert prometheus_url("http://127.0.0.1:9090") == "http://127.0.0.1:9090/api/v1/write"
    assert prometheus_url("http://h/api/v1/push") == "http://h/api/v1/push"
    assert otel_url("http://[::1]:4318/") == "http://[::1]:4318/v1/metrics"


@pytest.mark.parametrize(
    ("kind", "url", "told"),
    [
        ("influxdb", "http://127.0.0.1:8086", "names no database; write http://HOST:8086/DATABASE"),
        ("influxdb", "http://h/a/b", "names no database"),
        ("influxdb", "http://h?org=a", "names no database"),
        ("influxdb", "http://h/db?u=me&p=pw", "has 'p' in its query"),
        ("prometheus", "http://h?a=b", "has a query, which nobody would read"),
        ("otel", "ftp://h", "begins with ftp: but only http:// and https:// can be loaded"),
        ("otel", "h:4318", "has no scheme; write http://host:port"),
        ("otel", "http://h:99999", "has the port '99999' that is not a number from 1 to 65535"),
        ("otel", " http://h", "is not a plain URL"),
        ("prometheus", "", "has no scheme"),
    ],
)
def test_a_url_that_is_no_receivers_is_told_before_any_load(kind: str, url: str, told: str) -> None:
    with pytest.raises(ProfileError) as raised:
        load_profile("quick", {f"out.{kind}": url})

    assert f"out.{kind}: {url!r} {told}" in str(raised.value)


def test_credentials_in_a_url_are_refused_and_not_shown() -> None:
    with pytest.raises(ProfileError) as raised:
        load_profile("quick", {"out.influxdb": "http://me:s3cret-w0rd@h/db"})

    assert "contains an @; credentials come from PERF_OUT_INFLUXDB_TOKEN" in str(raised.value)
    assert "s3cret" not in str(raised.value)


def test_where_figures_go_is_no_part_of_a_profiles_identity() -> None:
    plain = load_profile("quick")
    sent = load_profile("quick", {"out.otel": "http://127.0.0.1:4318"})

    assert sent.out.urls == {"otel": "http://127.0.0.1:4318/v1/metrics"}
    assert (sent.config_hash, sent.as_json) == (plain.config_hash, plain.as_json)


def test_the_command_line_wins_over_the_variable_and_the_variable_over_the_profile() -> None:
    variables = {"PERF_OUT": "otel=http://v:1,prometheus=http://v:2"}

    found = load_profile("quick", {"out.otel": "http://c:1"}, environment=variables).out

    assert (found.otel, found.prometheus) == ("http://c:1", "http://v:2")
    assert outs_of({}) == outs_of({"PERF_OUT": " , "}) == {}


@pytest.mark.parametrize("text", ["", "otel", "otel=", "csv=http://h", "http://me:pw@h"])
def test_what_is_no_receiver_is_told_without_what_it_may_hide(text: str) -> None:
    with pytest.raises(ValueError, match="where KIND is one of influxdb, prometheus, otel") as told:
        read_out(text)

    assert "pw" not in str(told.value)


def test_a_wrong_variable_is_named() -> None:
    with pytest.raises(ProfileError, match="PERF_OUT"):
        load_profile("quick", environment={"PERF_OUT": "csv=x"})
