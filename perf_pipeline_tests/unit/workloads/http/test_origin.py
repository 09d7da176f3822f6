import httpx
import pytest

from perf_pipeline.workloads.http.connections import Connection
from perf_pipeline.workloads.http.origin import HttpOrigin, header_block
from perf_pipeline.workloads.python.transport import LoadTransport


@pytest.mark.parametrize(
    ("base_url", "scheme", "host", "port", "prefix", "host_header"),
    [
        ("http://127.0.0.1:8000", "http", "127.0.0.1", 8000, "", "127.0.0.1:8000"),
        ("http://Example.org", "http", "example.org", 80, "", "example.org"),
        ("https://example.org/", "https", "example.org", 443, "", "example.org"),
        ("https://example.org:80/a/b/", "https", "example.org", 80, "/a/b", "example.org:80"),
        ("http://[::1]:9", "http", "::1", 9, "", "[::1]:9"),
        # punycode of bücher, as on Wikipedia's page about it
        ("http://bücher.example", "http", "xn--bcher-kva.example", 80, "", "xn--bcher-kva.example"),
    ],
)
def test_a_base_url_is_read(
    base_url: str, scheme: str, host: str, port: int, prefix: str, host_header: str
) -> None:
    origin = HttpOrigin.parse(base_url)

    assert (origin.scheme, origin.host, origin.port, origin.prefix) == (scheme, host, port, prefix)
    assert origin.authority == host_header
    assert origin.is_tls == (scheme == "https")


@pytest.mark.parametrize(
    "base_url",
    [
        "",
        "127.0.0.1:8000",
        "ftp://example.org",
        "http://",
        "http://example.org:0",
        "http://example.org:99999",
        "http://example.org:x",
        "http://example.org/?a=1",
        "http://example.org/#a",
        "http://example.org/a b",
        "http://[::1",
    ],
)
def test_what_is_not_a_base_url_is_refused_with_its_value(base_url: str) -> None:
    with pytest.raises(ValueError, match="base_url") as refusal:
        HttpOrigin.parse(base_url)

    assert repr(base_url) in str(refusal.value)


def test_a_password_in_a_base_url_is_refused_and_not_repeated() -> None:
    with pytest.raises(ValueError, match="contains an @") as refusal:
        HttpOrigin.parse("http://me:s3cret@example.org")

    assert "s3cret" not in str(refusal.value)


def test_a_request_is_written_as_rfc_9112_wants_it() -> None:
    origin = HttpOrigin.parse("http://h:1/api")

    assert origin.encode("GET", "/a?b", header_block({"X-A": "1"}), b"") == (
        b"GET /api/a?b HTTP/1.1\r\nHost: h:1\r\nX-A: 1\r\n\r\n"
    )
    assert origin.encode("POST", "/a", b"", b"hi") == (
        b"POST /api/a HTTP/1.1\r\nHost: h:1\r\nContent-Length: 2\r\n\r\nhi"
    )
    assert b"Content-Length: 0\r\n" in origin.encode("POST", "/a", b"", b"")


@pytest.mark.parametrize("target", ["", "a", "/a b", "/ü", "/a\r\nX: y", "/a\n"])
def test_a_target_that_is_not_percent_encoded_is_refused(target: str) -> None:
    with pytest.raises(ValueError, match="percent-encoded"):
        HttpOrigin.parse("http://h").encode("GET", target, b"", b"")


@pytest.mark.parametrize(
    "headers",
    [
        {"": "a"},
        {"A b": "c"},
        {"A:": "b"},
        {"A\r\nB": "c"},
        {"A": "b\r\nC: d"},
        {"A": "b\n"},
        {"A": " b"},
        {"A": "\u20ac"},
        {"host": "h"},
        {"Content-Length": "1"},
    ],
)
def test_a_header_that_would_break_a_request_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="header"):
        header_block(headers)


@pytest.mark.parametrize(
    "base_url",
    [
        "http://127.0.0.1\\evil.example/",
        "http:evil.example",
        "http:///evil.example",
        " http://127.0.0.1",
        "http://127.0.0.1\t.evil.example",
        "http://127.0.0.1?",
    ],
)
def test_a_base_url_that_would_have_to_be_mended_is_refused(base_url: str) -> None:
    with pytest.raises(ValueError, match="base_url"):
        HttpOrigin.parse(base_url)


@pytest.mark.parametrize("host", ["straße.example", "münchen.example", "127.1", "EXAMPLE.org."])
def test_python_scenarios_may_ask_the_host_that_the_base_url_names(host: str) -> None:
    origin = HttpOrigin.parse(f"http://{host}:8099")
    transport = LoadTransport(origin, no_connection, NobodyWatches())

    assert transport.goes_to(httpx.URL(f"{origin}/x"))
    assert not transport.goes_to(httpx.URL("http://strasse.example:8099/x"))


def no_connection() -> Connection:
    raise AssertionError("nothing is sent")


class NobodyWatches:
    def completed(self, *_: object, **__: object) -> None:
        raise AssertionError

    def interrupted(self, *_: object, **__: object) -> None:
        raise AssertionError

    def looked_at(self, *_: object) -> None:
        raise AssertionError

    def unreadable(self, *_: object, **__: object) -> None:
        raise AssertionError
