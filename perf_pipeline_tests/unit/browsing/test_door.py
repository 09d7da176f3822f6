"""Which addresses the pages of a history are for."""

import pytest

from perf_pipeline.browsing.door import Door

TOKEN = "c2VjcmV0"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "127.0.0.1:80"])
def test_a_browser_leaves_port_80_out_of_the_host(host: str) -> None:
    """RFC 9110, section 4.2.3: an address without a port means the default port, which is 80."""
    assert Door(TOKEN, 80).knows_host(host)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:80", "evil.example", "evil.example:8899"])
def test_a_host_without_the_port_that_is_listened_on_is_not_meant(host: str) -> None:
    assert not Door(TOKEN, 8899).knows_host(host)


@pytest.mark.parametrize(
    ("behind", "host"),
    [
        ("https://speed.example.org:443", "speed.example.org"),
        ("https://speed.example.org:443/runs", "speed.example.org:443"),
        ("https://Speed.example.org", "speed.example.org:443"),
        ("http://speed.example.org:80", "speed.example.org"),
        ("https://[2001:db8::1]:443", "[2001:db8::1]"),
        ("https://speed.example.org:8443", "speed.example.org:8443"),
    ],
)
def test_the_default_port_of_a_proxy_may_be_written_or_left_out(behind: str, host: str) -> None:
    """RFC 9110, sections 4.2.1 and 4.2.2: 80 for http, 443 for https."""
    assert Door(TOKEN, 8899, behind).knows_host(host)


@pytest.mark.parametrize(
    ("behind", "host"),
    [
        ("https://speed.example.org:8443", "speed.example.org"),
        ("https://speed.example.org:80", "speed.example.org"),
        ("http://speed.example.org:443", "speed.example.org"),
        ("https://speed.example.org", "speed.example.org:80"),
        ("https://speed.example.org", "speed.example.org.evil.example"),
        ("https://[2001:db8::1]:8443", "[2001:db8::1]"),
    ],
)
def test_another_port_than_that_of_the_proxy_is_not_meant(behind: str, host: str) -> None:
    assert not Door(TOKEN, 8899, behind).knows_host(host)


@pytest.mark.parametrize(
    ("behind", "is_encrypted"),
    [
        ("https://speed.example.org", True),
        ("HTTPS://speed.example.org", True),
        ("http://speed.example.org", False),
        ("", False),
    ],
)
def test_the_cookie_goes_by_https_only_however_its_scheme_is_written(
    behind: str, *, is_encrypted: bool
) -> None:
    """RFC 3986, section 3.1: the case of a scheme does not matter."""
    assert Door(TOKEN, 8899, behind).is_encrypted == is_encrypted
