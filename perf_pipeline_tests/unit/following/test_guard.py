"""Who may see the page of a run, and stop the run: nobody from another page."""

import pytest

from perf_pipeline.following.guard import refusal

TOKEN = "c2VjcmV0"
OWN = {"host": "127.0.0.1:8899"}
POSTED = {**OWN, "origin": "http://127.0.0.1:8899", "sec-fetch-site": "same-origin"}


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8899", "localhost:8899", "LOCALHOST:8899", "[::1]:8899"]
)
def test_the_page_itself_is_answered(host: str) -> None:
    assert refusal({"host": host}, TOKEN, TOKEN, 8899, changes=False) == ""
    posted = {**POSTED, "host": host, "origin": f"http://{host.lower()}"}
    assert refusal(posted, TOKEN, TOKEN, 8899, changes=True) == ""


@pytest.mark.parametrize(
    "host", ["evil.example:8899", "127.0.0.1.evil.example:8899", "127.0.0.1:80", "127.0.0.1", ""]
)
def test_a_name_that_leads_here_is_refused(host: str) -> None:
    """DNS rebinding: a page of evil.example has its name resolved to 127.0.0.1."""
    told = refusal({"host": host}, TOKEN, TOKEN, 8899, changes=False)

    assert told == "this page is for addresses of this machine only, such as 127.0.0.1"


@pytest.mark.parametrize("given", ["", "c2VjcmV", "c2VjcmV0 ", "C2VJCMV0", "\u00e9"])
def test_without_the_token_nothing_is_told(given: str) -> None:
    told = refusal(OWN, TOKEN, given, 8899, changes=False)

    assert told == "the address of this page has changed; `perf-pipeline watch` printed the new one"


@pytest.mark.parametrize(
    "headers",
    [
        {**POSTED, "origin": "http://evil.example"},
        {**POSTED, "origin": "null"},
        {**POSTED, "origin": "http://127.0.0.1:3000"},
        {**POSTED, "origin": "https://127.0.0.1:8899"},
        {**OWN, "sec-fetch-site": "cross-site"},
        {**OWN, "sec-fetch-site": "same-site"},
        {**OWN, "sec-fetch-site": "none"},
    ],
)
def test_another_page_stops_nothing_even_where_it_knows_the_address(
    headers: dict[str, str],
) -> None:
    """Another port of this machine is another page: `same-site` is not enough."""
    told = refusal(headers, TOKEN, TOKEN, 8899, changes=True)

    assert told == "another page may not ask for this"
