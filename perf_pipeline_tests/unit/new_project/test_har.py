"""A recording becomes steps with pauses, in which what an answer gave comes back by a variable."""

import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from perf_pipeline.errors import RequestError
from perf_pipeline.new_project.draft import Draft
from perf_pipeline.new_project.har_recording import read_recording
from perf_pipeline.new_project.profile_text import profile_text
from perf_pipeline.new_project.project_files import write_project
from perf_pipeline.new_project.sources import Given, draft_of

HOST = "http://127.0.0.1:8080"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJlLW9m"
PASSWORD = "hunter22x"
CART = "5f0c9d1e-7a51-4b57-9a10-0c1df3a0b111"


def entry(method: str, path: str, at: float = 0.0, **more: Any) -> dict[str, Any]:
    """Give an entry; `sent` and `got` are JSON, `headers` and `gave` headers of both sides."""
    seconds = f"2026-01-31T12:{int(at // 60):02}:{at % 60:09.6f}Z"
    body = more.get("sent")
    text = body if isinstance(body, str) else json.dumps(body)
    kind = more.get("type", "application/json")
    got = more.get("got", {})
    return {
        "startedDateTime": seconds,
        "time": 100,
        "request": {
            "method": method,
            "url": path if "://" in path else f"{HOST}{path}",
            "headers": [{"name": k, "value": v} for k, v in more.get("headers", {}).items()],
            **({"postData": {"mimeType": kind, "text": text}} if body is not None else {}),
        },
        "response": {
            "status": more.get("status", 200),
            "headers": [{"name": k, "value": v} for k, v in more.get("gave", {}).items()],
            "content": {
                "mimeType": more.get("got_type", "application/json"),
                "text": got if isinstance(got, str) else json.dumps(got),
            },
        },
    }


def recorded(tmp_path: Path, *entries: dict[str, Any]) -> Draft:
    file = tmp_path / "shop.har"
    file.write_text(json.dumps({"log": {"entries": list(entries)}}), encoding="utf-8")
    return draft_of(Given("shop", har=file))


def steps(draft: Draft) -> list[dict[str, Any]]:
    return [step.table for step in draft.benchmarks[0].steps]


def test_pauses_are_those_between_an_answer_and_the_next_request(tmp_path: Path) -> None:
    # The first answer is there at 0.1 s, the second request comes at 2.6 s; the third at once.
    draft = recorded(tmp_path, entry("GET", "/a"), entry("GET", "/b", 2.6), entry("GET", "/c", 2.7))

    assert [step.get("thinkTime") for step in steps(draft)] == ["2.5s", None, None]


def test_a_token_of_the_login_is_saved_and_sent_by_every_later_request(tmp_path: Path) -> None:
    proof = {"Authorization": f"Bearer {JWT}"}
    draft = recorded(
        tmp_path,
        entry("POST", "/login", sent={"password": "hunter2"}, got={"data": {"token": JWT}}),
        entry("GET", "/me", 1, headers=proof),
        entry("GET", "/orders", 2, headers=proof),
    )

    login, *others = steps(draft)
    assert login["save"] == {"token": "$.data.token"}
    assert {step["headers"]["Authorization"] for step in others} == {"Bearer ${token}"}
    assert [secret.name for secret in draft.secrets] == ["SHOP_PASSWORD"]
    assert JWT not in profile_text(draft)
    assert "hunter2" not in profile_text(draft)


@pytest.mark.parametrize(
    ("got", "later", "saved", "expected"),
    [
        ([{"id": 7}], {"path": "/items/7"}, "$[0].id", "/items/${item_id}"),
        ({"cartId": CART}, {"path": f"/carts/{CART}/pay"}, "$.cartId", "/carts/${cart_id}/pay"),
        ({"x": {"odd name": CART}}, {"path": f"/{CART}"}, "$.x['odd name']", "/${odd_name}"),
    ],
    ids=["number", "uuid", "odd name"],
)
def test_an_id_comes_back_in_a_path(
    tmp_path: Path, got: Any, later: dict[str, str], saved: str, expected: str
) -> None:
    draft = recorded(tmp_path, entry("GET", "/items", got=got), entry("GET", later["path"], 1))

    first, second = steps(draft)
    assert list(first["save"].values()) == [saved]
    assert second["path"] == expected


def test_an_id_comes_back_in_a_body_with_its_type(tmp_path: Path) -> None:
    draft = recorded(
        tmp_path,
        entry("GET", "/items", got=[{"id": 7, "name": "Lamp"}]),
        entry("POST", "/cart", 1, sent={"itemId": 7, "as": "7", "ref_id": "7", "count": 7}),
        entry("POST", "/wish", 2, sent={"itemId": 7, "until": None}),
    )

    _, cart, wish = steps(draft)
    assert cart["json"] == {
        "itemId": "${item_id}",
        "as": "7",
        "ref_id": "${item_id|text}",
        "count": 7,
    }
    assert wish["body"] == '{"itemId": ${item_id}, "until": null}'


def test_what_the_user_typed_first_stays_as_it_was(tmp_path: Path) -> None:
    draft = recorded(
        tmp_path,
        entry("GET", "/items/4711"),
        entry("POST", "/cart", 1, sent={"itemId": 4711}, got={"itemId": 4711}),
        entry("GET", "/items/4711/more", 2),
    )

    assert [step.get("save") for step in steps(draft)] == [None, None, None]


def test_only_what_a_person_asked_of_one_host_becomes_a_step(tmp_path: Path) -> None:
    preflight = {"Access-Control-Request-Method": "POST"}
    draft = recorded(
        tmp_path,
        entry("GET", "/", got="<html>", got_type="text/html"),
        entry("GET", "/logo.png", 1, got="", got_type="image/png"),
        entry("GET", "http://ads.example/x", 2),
        entry("OPTIONS", "/api", 3, headers=preflight),
        entry("GET", "/lost", 4, status=0),
        entry("GET", "ws://127.0.0.1:8080/live", 5, status=101),
        entry("GET", "/api", 6),
    )

    assert [step["path"] for step in steps(draft)] == ["/", "/api"]
    assert draft.left_out == (
        "1 request for files that browsers keep, such as images, scripts and styles",
        "1 request over WebSocket, which steps don't speak",
        "1 request that the browser made for itself (CORS preflight)",
        "1 request to ads.example, which is another host",
        "1 request without an answer in the recording",
    )


def test_a_redirect_is_followed_by_its_own_step(tmp_path: Path) -> None:
    draft = recorded(
        tmp_path,
        entry("POST", "/order", sent={"a": 1}, status=302, gave={"Location": "/orders/88"}),
        entry("GET", "/orders/88", 0.2, got="<html>", got_type="text/html"),
        entry("GET", "/orders/88/bill", 2),
    )

    order, bill = steps(draft)
    assert "expect" not in order
    assert order["thinkTime"] == "1.7s"
    assert bill["path"] == "/orders/88/bill"
    [told] = draft.benchmarks[0].steps[1].remarks
    assert told.startswith("88 in its path came from a Location header")


def test_a_link_that_an_answer_gave_is_followed_as_it_is(tmp_path: Path) -> None:
    page = {"items": [], "next": "/orders?page=2"}
    draft = recorded(
        tmp_path,
        entry("GET", "/orders", got=json.dumps(page)),
        entry("GET", "/orders?page=2", 1, got=json.dumps({"items": [], "next": None})),
        entry("POST", "/orders", 2, sent={"a": 1}, status=201, gave={"Location": "/orders/88"}),
        entry("GET", "/orders/88", 3),
        entry("GET", "/orders", 4),
    )

    first, second, order, made, again = steps(draft)
    assert first["save"] == {"next": "$.next"}
    assert (second["path"], second.get("query")) == ("${next}", None)
    assert order["save"] == {"location": "header:Location"}
    assert made["path"] == "${location}"
    assert again["path"] == "/orders"
    assert [step.remarks for step in draft.benchmarks[0].steps] == [()] * 5


@pytest.mark.parametrize(
    ("page", "given", "told"),
    [
        ("<input value='c0ffee12345'>", {}, "a value of a page (HTML)"),
        ("", {"Set-Cookie": "XSRF-TOKEN=c0ffee12345; Path=/"}, "the value of a cookie"),
    ],
)
def test_what_a_step_can_t_read_is_told_with_its_request(
    tmp_path: Path, page: str, given: dict[str, str], told: str
) -> None:
    draft = recorded(
        tmp_path,
        entry("GET", "/form", got=page, got_type="text/html", gave=given),
        entry("POST", "/form", 1, sent={"a": 1}, headers={"X-XSRF-Token": "c0ffee12345"}),
    )

    assert [step["method"] for step in steps(draft)] == ["GET"]
    assert draft.left_out[0].startswith(f"POST /form: 'X-XSRF-Token' holds {told}")
    assert "c0ffee12345" not in profile_text(draft)


def test_no_cookie_token_or_password_is_written_wherever_it_stands(tmp_path: Path) -> None:
    session = "s3ss10nvalue"
    draft = recorded(
        tmp_path,
        entry("GET", "/", headers={"Cookie": f"sid={session}"}),
        entry("GET", f"/by?key={session}&q=1", 1),
        entry("GET", f"/session/{session}", 2),
        entry("GET", f"/reset/{JWT}", 3),
        entry("POST", "/odd", 4, sent=f"x {session}", type="text/plain"),
        entry(
            "POST",
            "/f",
            5,
            sent=f"pwd=hunter2&x={session}",
            type="application/x-www-form-urlencoded",
        ),
        headers_entry(session),
    )

    text = profile_text(draft)
    assert [secret for secret in (session, JWT, "hunter2") if secret in text] == []
    assert "The recording begins with cookies that it was not given (sid)." in " ".join(
        text.replace("# ", "").split()
    )
    assert [step["path"] for step in steps(draft)] == ["/", "/by", "/f", "/h"]
    assert "GET /session/***: its path holds a secret" in draft.left_out


def headers_entry(session: str) -> dict[str, Any]:
    return entry("GET", "/h", 6, headers={"X-Kind": session, "Proxy-Authorization": "Basic eDp5"})


def test_bodies_in_base64_and_odd_entries_are_read(tmp_path: Path) -> None:
    odd = entry("GET", "/items")
    odd["response"]["content"] = {"encoding": "base64", "text": "W3siaWQiOiA3fV0="}  # [{"id": 7}]
    draft = recorded(tmp_path, {"request": {}}, odd, {}, entry("GET", "/items/7", 1))

    assert steps(draft)[1]["path"] == "/items/${item_id}"


@pytest.mark.parametrize("text", ["{}", "[]", "x", '{"log": {"entries": 3}}'])
def test_a_file_that_is_no_recording_is_told(text: str) -> None:
    with pytest.raises(RequestError, match=r"shop\.har is not a recording of a browser"):
        read_recording(text, "shop.har")


def test_a_password_is_not_written_where_it_was_sent_under_another_name(tmp_path: Path) -> None:
    login = json.dumps({"user": "bob", "password": PASSWORD})
    draft = recorded(
        tmp_path,
        entry("POST", "/login", sent=login),
        entry("GET", f"/search?q={PASSWORD}", 1),
        entry("GET", "/trace", 2, headers={"X-Last": PASSWORD}),
        entry("GET", f"/{PASSWORD}/orders", 3),
    )

    assert PASSWORD not in profile_text(draft)
    assert len(steps(draft)) == 3


def test_the_password_of_basic_is_not_written_elsewhere(tmp_path: Path) -> None:
    basic = b64encode(f"bob:{PASSWORD}".encode()).decode()
    draft = recorded(
        tmp_path,
        entry("GET", "/a", headers={"Authorization": f"Basic {basic}"}),
        entry("GET", f"/b?p={PASSWORD}", 1),
    )

    assert PASSWORD not in profile_text(draft)


def test_a_password_within_the_text_of_a_query_is_not_written(tmp_path: Path) -> None:
    query = f'mutation {{ login(user: "bob", password: "{PASSWORD}") {{ id }} }}'

    draft = recorded(tmp_path, entry("POST", "/graphql", sent=json.dumps({"query": query})))

    assert steps(draft)[0]["json"] == {"query": "${env.SHOP_QUERY}"}


def test_an_address_that_is_none_and_half_a_character_end_nothing(tmp_path: Path) -> None:
    draft = recorded(tmp_path, entry("GET", "http://[::1"), entry("GET", "/a?q=\ud800", 1))

    write_project(tmp_path / "shop", draft)

    assert [step["path"] for step in steps(draft)] == ["/a"]
