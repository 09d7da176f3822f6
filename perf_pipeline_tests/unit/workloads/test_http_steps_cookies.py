"""A VU's cookies, by the rules and examples of RFC 6265."""

import pytest

from perf_pipeline.workloads.http_origin import HttpOrigin
from perf_pipeline.workloads.http_steps_cookies import CookieJar

SHOP = HttpOrigin.parse("http://shop.example.org:8000")


def jar(*cookies: str, origin: HttpOrigin = SHOP, path: str = "/a/b") -> CookieJar:
    filled = CookieJar(origin)
    for cookie in cookies:
        filled.take([(b"Set-Cookie", cookie.encode("latin-1"))], path)
    return filled


@pytest.mark.parametrize(
    ("cookie", "path", "sent"),
    [
        ("n=v", "/a/c", "n=v"),
        ("n=v", "/a", "n=v"),  # the default path of /a/b is /a (5.1.4), and equal paths match
        ("n=v", "/", ""),
        ("n=v; Path=/", "/x", "n=v"),
        ("n=v; path=/docs", "/docs", "n=v"),
        ("n=v; path=/docs", "/docs/", "n=v"),
        ("n=v; path=/docs", "/docs/web", "n=v"),
        ("n=v; path=/docs", "/docset", ""),
        ("n=v; path=docs", "/a/c", "n=v"),  # no slash in front: the default path, 5.2.4
        ('n="a=b"; Path=/', "/", 'n="a=b"'),
        ("n=; Path=/", "/", "n="),
        ("n", "/a/c", ""),
        ("=v; Path=/", "/", ""),
        ("n=v; Domain=example.org; Path=/", "/", "n=v"),
        ("n=v; Domain=.shop.example.org; Path=/", "/", "n=v"),
        ("n=v; Domain=ple.org; Path=/", "/", ""),
        ("n=v; Domain=other.org; Path=/", "/", ""),
        ("n=v; Secure; Path=/", "/", ""),
        ("n=v; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/", "/", "n=v"),
        ("n=v; Expires=Wed, 09 Jun 2190 10:18:14 GMT; Path=/", "/", "n=v"),
        ("n=v; Expires=nonsense; Path=/", "/", "n=v"),
    ],
)
def test_a_cookie_goes_where_the_rfc_lets_it_go(cookie: str, path: str, sent: str) -> None:
    assert jar(cookie).header_for(path).decode() == (f"Cookie: {sent}\r\n" if sent else "")


@pytest.mark.parametrize(
    "deletion",
    [
        "n=; Max-Age=0; Path=/",
        "n=; Max-Age=-1; Path=/",
        "n=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/",
    ],
)
def test_a_cookie_is_deleted_by_its_age_or_date(deletion: str) -> None:
    assert not jar("n=v; Path=/", deletion).cookies
    assert jar("n=v; Path=/other", deletion).cookies


def test_a_secure_cookie_goes_over_tls_and_longer_paths_come_first() -> None:
    secure = HttpOrigin.parse("https://shop.example.org")
    filled = jar("s=1; Secure; Path=/", "d=2; Path=/docs/web", "s=3; Path=/docs", origin=secure)

    assert filled.header_for("/docs/web/x") == b"Cookie: d=2; s=3; s=1\r\n"
    filled.clear()
    assert not filled.cookies
