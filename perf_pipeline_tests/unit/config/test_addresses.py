"""One spelling of every address: what a browser and a resolver make of it.

Expected values are those of the URL standard's own test data (urltestdata.json, toascii.json of
web-platform-tests), of `inet_aton(3)`, and of RFC 5891 (faß.de, straße).
"""

import pytest

from perf_pipeline.config.hosts import is_this_machine, read_host
from perf_pipeline.config.web_address import WebAddress


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("http://straße.example:8099", ("http", "xn--strae-oqa.example", 8099)),
        ("http://faß.de", ("http", "xn--fa-hia.de", 80)),
        ("https://MÜNCHEN.example.", ("https", "xn--mnchen-3ya.example", 443)),
        ("HTTP://LOCALHOST.:80", ("http", "localhost", 80)),
        ("http://127.1", ("http", "127.0.0.1", 80)),
        ("http://0x7f.1", ("http", "127.0.0.1", 80)),
        ("http://2130706433", ("http", "127.0.0.1", 80)),
        ("http://0177.0.0.1", ("http", "127.0.0.1", 80)),
        # full-width "0Xc0.0250.01"
        (
            "http://\uff10\uff38\uff43\uff10.\uff10\uff12\uff15\uff10\uff0e\uff10\uff11",
            ("http", "192.168.0.1", 80),
        ),
        ("http://%30%78%63%30%2e%30%32%35%30.01", ("http", "192.168.0.1", 80)),
        ("http://127.0.0.1%2eevil.example", ("http", "127.0.0.1.evil.example", 80)),
        ("http://127.0.0.1@evil.example", ("http", "evil.example", 80)),
        ("http://evil.example\\@127.0.0.1", ("http", "evil.example", 80)),
        ("http://127.0.0.1\t.evil.example", ("http", "127.0.0.1.evil.example", 80)),
        ("http:///evil.example", ("http", "evil.example", 80)),
        ("http://[::0001]:9", ("http", "::1", 9)),
        ("http://[::ffff:127.0.0.1]", ("http", "::ffff:7f00:1", 80)),
    ],
)
def test_a_url_names_the_host_that_a_browser_would_ask(
    text: str, origin: tuple[str, str, int]
) -> None:
    address = WebAddress.read(text)

    assert address.origin == origin
    assert WebAddress.read(str(address)).origin == origin


@pytest.mark.parametrize(
    ("reference", "meant"),
    [
        ("../c", "http://h:8/c"),
        ("?z", "http://h:8/a/b?z"),
        ("//x/y", "http://x/y"),
        ("\\\\x\\y", "http://x/y"),
        ("\t/\n/x/y", "http://x/y"),
        ("https:///x", "https://x/"),
        ("/ü", "http://h:8/%C3%BC"),
    ],
)
def test_a_reference_is_resolved_against_its_base(reference: str, meant: str) -> None:
    base = WebAddress.read("http://h:8/a/b?c")

    assert str(WebAddress.read(reference, base)) == meant


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "has no scheme"),
        ("127.0.0.1:8000", "has no scheme"),
        ("ftp://h", "begins with ftp: but only"),
        ("http://", "names no valid host"),
        ("http://h:80a", "has the port '80a' that is not a number from 1 to 65535"),
        ("http://h:99999", "has the port '99999'"),
        ("http://h:0", "has the port 0"),
        ("http://[::1", "has an unmatched bracket"),
        ("http://[fe80::1%eth0]", "names no valid host"),
        ("http://a b/", "names no valid host"),
        ("http://a..b/", "each part has 1 to 63 characters"),
        (f"http://{'a' * 64}.b/", "each part has 1 to 63 characters"),
        ("http://256.1.1.1", "names no valid host"),
        ("http://a%00b", "names no valid host"),
        ("http://\ud800", "names no valid host"),
    ],
)
def test_what_names_no_host_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(ValueError, match="^(has|names|begins|is) ") as refusal:
        WebAddress.read(text)

    assert why in str(refusal.value)


def test_half_a_password_is_never_shown_as_a_port() -> None:
    with pytest.raises(ValueError, match="has a port that is not a number") as refusal:
        WebAddress.read("http://user:pa/ss@localhost:80")

    assert "pa/" not in str(refusal.value)
    assert "'pa'" not in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "host", "is_here"),
    [
        ("LOCALHOST.", "localhost", True),
        ("127.1", "127.0.0.1", True),
        ("2130706433", "127.0.0.1", True),
        ("[::1]", "::1", True),
        ("0:0:0:0:0:0:0:1", "::1", True),
        ("::ffff:127.0.0.1", "127.0.0.1", True),
        ("::ffff:10.0.0.1", "10.0.0.1", False),
        ("[2001:DB8:0::1]", "2001:db8::1", False),
        ("::1%lo", "::1%lo", False),
        ("0", "0.0.0.0", False),
        ("::", "::", False),
        ("Straße.Example", "xn--strae-oqa.example", False),
        ("localhost.evil.example", "localhost.evil.example", False),
        ("api.localhost", "api.localhost", False),
        ("/var/run/postgresql", "/var/run/postgresql", True),
    ],
)
def test_a_host_has_one_spelling(text: str, host: str, *, is_here: bool) -> None:
    assert read_host(text) == host
    assert is_this_machine(host) is is_here


@pytest.mark.parametrize(
    "text",
    ["", ".", "a..b", "a b", "a:80", "[a]", "[::1", "a/b", "a%2eb", "a@b", "a\\b", "a\n", "a\x00"],
)
def test_a_text_that_is_no_host_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="^(is|contains|names)"):
        read_host(text)
