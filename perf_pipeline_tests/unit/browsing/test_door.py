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
