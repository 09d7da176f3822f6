"""Where redirects lead, by the rules of browsers (Fetch, WHATWG URL)."""

import pytest

from perf_pipeline.workloads.http.origin import HttpOrigin
from perf_pipeline.workloads.http.redirects import following_request, with_cookies
from perf_pipeline.workloads.http.result import HttpResult

ORIGIN = HttpOrigin.parse("http://localhost:8099")
POST = (
    b"POST /a/b?old=1 HTTP/1.1\r\nHost: localhost:8099\r\nAuthorization: Bearer t\r\n"
    b"Content-Type: text/plain\r\nContent-Length: 2\r\n\r\nhi"
)


def answer(status: int, *locations: bytes) -> HttpResult:
    headers = tuple((b"Location", location) for location in locations)
    return HttpResult(
        status, headers, b"", "", 0, 0, 0, 0, 0, 0, 0, 0, connected=False, resent=False
    )


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("/café".encode(), b"/caf%C3%A9"),
        ("/café".encode("latin-1"), b"/caf%E9"),
        (b"/caf%C3%A9", b"/caf%C3%A9"),
        ("?q=é".encode(), b"/a/b?q=%C3%A9"),
        (b"c d", b"/a/c%20d"),
        (b"../c", b"/c"),
        (b"//localhost:8099/y", b"/y"),
        (b"http://LOCALHOST:8099", b"/"),
        (b"/x#there", b"/x"),
        (b"\\x", b"/x"),
        (b"", b"/a/b?old=1"),
    ],
)
def test_a_location_is_read_as_browsers_read_it(location: bytes, target: bytes) -> None:
    following = following_request(ORIGIN, POST, answer(302, location))

    assert following is not None
    assert following.split(b" ")[:2] == [b"GET", target]


@pytest.mark.parametrize(
    "locations",
    [
        [],
        [b"//example.org/x"],
        [b"https://localhost:8099/"],
        [b"http://localhost:8098/"],
        [b"http://[::"],
        [b"javascript:alert(1)"],
        [b"/a", b"/b"],
    ],
)
def test_what_leads_nowhere_or_elsewhere_is_not_followed(locations: list[bytes]) -> None:
    assert following_request(ORIGIN, POST, answer(302, *locations)) is None


@pytest.mark.parametrize(
    ("status", "sent", "followed"),
    [
        (301, b"POST", b"GET"),
        (302, b"POST", b"GET"),
        (303, b"POST", b"GET"),
        (307, b"POST", b"POST"),
        (308, b"POST", b"POST"),
        (301, b"PUT", b"PUT"),
        (302, b"DELETE", b"DELETE"),
        (303, b"PUT", b"GET"),
        (303, b"HEAD", b"HEAD"),
    ],
)
def test_the_method_that_follows_is_a_browsers(status: int, sent: bytes, followed: bytes) -> None:
    following = following_request(ORIGIN, POST.replace(b"POST", sent, 1), answer(status, b"/x"))

    assert following is not None
    assert following.startswith(followed + b" /x HTTP/1.1\r\n")
    has_body = followed == sent
    assert following.endswith(b"\r\n\r\nhi" if has_body else b"\r\n\r\n")
    assert (b"Content-Type" in following) is has_body
    assert b"Authorization: Bearer t" in following  # the origin is the same


def test_own_cookies_and_the_jars_go_in_one_line() -> None:
    own = b"GET / HTTP/1.1\r\nHost: a\r\ncookie: session=abc\r\nX: 1\r\n\r\n"
    following = following_request(ORIGIN, own, answer(302, b"/b"))

    assert following is not None
    assert b"\r\ncookie: session=abc; sid=1\r\nX: 1\r\n" in with_cookies(following, b"sid=1")
    plain = b"GET / HTTP/1.1\r\nHost: a\r\n\r\nCookie: no header"
    assert with_cookies(plain, b"sid=1").count(b"\r\nCookie: sid=1\r\n") == 1
