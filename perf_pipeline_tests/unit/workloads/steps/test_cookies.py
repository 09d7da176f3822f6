"""A VU's cookies, by the rules and examples of RFC 6265 and 6265bis."""

import pytest

from perf_pipeline.workloads.http.origin import HttpOrigin
from perf_pipeline.workloads.steps.cookies import CookieJar

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
        ("n", "/a/c", "n"),  # without a name, 5.7 of 6265bis
        ("=v; Path=/", "/", "v"),
        ("=", "/a/c", ""),
        ("", "/a/c", ""),
        ("n=a\x01b; Path=/", "/", ""),
        ("n=" + "v" * 4_096, "/a/c", ""),
        ("n=v; Path=/x; Path=/", "/", "n=v"),  # the last one
        ("n=v; Domain=example.org; Path=/", "/", "n=v"),
        ("n=v; Domain=.shop.example.org; Path=/", "/", "n=v"),
        ("n=v; Domain=ple.org; Path=/", "/", ""),
        ("n=v; Domain=other.org; Path=/", "/", ""),
        ("n=v; Domain=org; Path=/", "/", ""),  # a public suffix
        ("n=v; Domain=; Path=/", "/", "n=v"),
        ("n=v; Secure; Path=/", "/", ""),
        ("__Secure-n=v; Path=/", "/", ""),
        ("__Host-n=v; Path=/", "/", ""),
        ("=__Host-n; Path=/", "/", ""),
        ("n=v; Max-Age=--5; Path=/", "/", "n=v"),
        ("n=v; Max-Age=²; Path=/", "/", "n=v"),
        ("n=v; Max-Age=; Path=/", "/", "n=v"),
        ("n=v; Max-Age=" + "9" * 5_000 + "; Path=/", "/", "n=v"),
        ("n=v; Expires=Fri, 01 Jan 99999999999999999999 00:00:00 GMT; Path=/", "/", "n=v"),
        ("n=v; Expires=Fri, 01 Jan 2190 00:00:00 +99999999999999999999; Path=/", "/", "n=v"),
        ("n=v; Expires=Fri, 30 Feb 2190 25:61:00 GMT; Path=/", "/", "n=v"),
        ("n=v; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/", "/", "n=v"),
        ("n=v; Expires=Wed, 09 Jun 2190 10:18:14 GMT; Path=/", "/", "n=v"),
        ("n=v; Expires=nonsense; Path=/", "/", "n=v"),
    ],
)
def test_a_cookie_goes_where_the_rfc_lets_it_go(cookie: str, path: str, sent: str) -> None:
    assert jar(cookie).pairs_for(path).decode() == sent


@pytest.mark.parametrize(
    "deletion",
    [
        "n=; Max-Age=0; Path=/",
        "n=; Max-Age=-1; Path=/",
        "n=; Max-Age=-" + "9" * 5_000 + "; Path=/",
        "n=; Max-Age=000; Expires=Wed, 09 Jun 2190 10:18:14 GMT; Path=/",
        "n=; Expires=Thu, 01-Jan-70 00:00:00 GMT; Path=/",
        "n=; Expires=1 1 1970 Jan 00:00:00; Path=/",
        "n=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/",
    ],
)
def test_a_cookie_is_deleted_by_its_age_or_date(deletion: str) -> None:
    assert not jar("n=v; Path=/", deletion).cookies
    assert jar("n=v; Path=/other", deletion).cookies


def test_a_secure_cookie_goes_over_tls_and_longer_paths_come_first() -> None:
    secure = HttpOrigin.parse("https://shop.example.org")
    filled = jar("s=1; Secure; Path=/", "d=2; Path=/docs/web", "s=3; Path=/docs", origin=secure)

    assert filled.pairs_for("/docs/web/x") == b"d=2; s=3; s=1"
    filled.clear()
    assert not filled.cookies


@pytest.mark.parametrize(
    ("host", "domain", "is_kept"),
    [
        ("localhost", "localhost", True),
        ("localhost", ".localhost", True),
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.1", "0.0.1", False),
        ("[::1]", "::1", True),
        ("shop.localhost", "localhost", False),
    ],
)
def test_a_host_may_name_itself_as_a_cookies_domain(
    host: str, domain: str, *, is_kept: bool
) -> None:
    origin = HttpOrigin.parse(f"http://{host}:8000")

    assert bool(jar(f"n=v; Domain={domain}", origin=origin).cookies) is is_kept


@pytest.mark.parametrize(
    ("cookie", "sent"),
    [
        ("__Host-n=v; Secure; Path=/", "__Host-n=v"),
        ("__HOST-n=v; Secure; Path=/", "__HOST-n=v"),
        ("__Host-n=v; Secure", ""),
        ("__Host-n=v; Secure; Path=/; Domain=shop.example.org", ""),
        ("__Secure-n=v; Secure; Path=/; Domain=example.org", "__Secure-n=v"),
    ],
)
def test_a_prefix_holds_what_it_promises(cookie: str, sent: str) -> None:
    secure = HttpOrigin.parse("https://shop.example.org")

    assert jar(cookie, origin=secure, path="/").pairs_for("/").decode() == sent


def test_a_cookie_that_is_set_again_keeps_its_place() -> None:
    filled = jar("a=1; Path=/", "b=2; Path=/", "a=3; Path=/")

    assert filled.pairs_for("/") == b"a=3; b=2"  # of equal paths the older one first, 5.8.3
