"""A command line of curl becomes one step, and no secret of it is written."""

import pytest

from perf_pipeline.errors import RequestError
from perf_pipeline.new_project.draft import Draft
from perf_pipeline.new_project.profile_text import profile_text
from perf_pipeline.new_project.sources import Given, draft_of

LEFT_OUT = (
    "Its query parameter 'api_key' is left out: "
    "it held a secret, which an address can't carry here."
)
FORM_TYPE = {"Content-Type": "application/x-www-form-urlencoded"}
SECRETS = ("s3cr3t", "hunter2", "k-12345")


def draft(command: str) -> Draft:
    made = draft_of(Given("shop", curl=command))
    text = profile_text(made)
    assert [secret for secret in SECRETS if secret in text] == []
    return made


@pytest.mark.parametrize(
    ("command", "step"),
    [
        ("curl http://127.0.0.1:8080", {"method": "GET", "path": "/"}),
        ("curl -XPUT 127.0.0.1/a", {"method": "PUT", "path": "/a"}),
        ("curl -I 'http://h/a?b=1&c='", {"method": "HEAD", "query": {"b": "1", "c": ""}}),
        ("curl 'http://h/a?b=1&b=2'", {"path": "/a?b=1&b=2"}),
        ("curl http://h/ -d a=1 -d 'b=x y'", {"method": "POST", "form": {"a": "1", "b": "x y"}}),
        ("curl http://h/ -G --data-urlencode 'q=a b'", {"method": "GET", "query": {"q": "a b"}}),
        ("curl http://h/ --json '{\"a\": [1, true]}'", {"json": {"a": [1, True]}}),
        # What curl says of a body of -d where nobody else does (curl --trace-ascii - shows it).
        ('curl http://h/ -d \'{"a": "${b}"}\'', {"json": {"a": "$${b}"}, "headers": FORM_TYPE}),
        ('curl http://h/ -d \'{"a": "b=c"}\'', {"json": {"a": "b=c"}, "headers": FORM_TYPE}),
        ("curl http://h/ -d '{\"a\": null}'", {"body": '{"a": null}', "headers": FORM_TYPE}),
        ("curl http://h/ -d 7", {"body": "7", "headers": FORM_TYPE}),
        (
            "curl http://h/ -d '{\"a\": 1}' -H 'content-type: application/json'",
            {"json": {"a": 1}, "headers": None},
        ),
        (
            "curl http://h/ -H 'Content-Type: text/plain' --data-raw 'hello'",
            {"body": "hello", "headers": {"Content-Type": "text/plain"}},
        ),
        (
            r"curl http://h/ --data-raw $'{\"a\":\"it\'s\\u0021\"}' --compressed",
            {"json": {"a": "it's!"}},
        ),
        ('curl ^"http://h/a^" ^\n -H ^"X-Kind: b^"', {"headers": {"X-Kind": "b"}}),
        (
            "curl http://h/ \\\n -H 'sec-fetch-mode: cors' -H 'X-Kind: b'",
            {"headers": {"X-Kind": "b"}},
        ),
        (
            "curl http://h/ -H 'Authorization: Bearer s3cr3t'",
            {"headers": {"Authorization": "Bearer ${env.SHOP_TOKEN}"}},
        ),
        (
            "curl http://h/ -H 'X-Api-Key: k-12345' -b 'sid=s3cr3t' -H 'Cookie: a=hunter2'",
            {"headers": {"X-Api-Key": "${env.SHOP_X_API_KEY}"}},
        ),
        (
            'curl http://h/login -d \'{"user": "ann", "password": "hunter2", "pin": 1234}\'',
            {
                "json": {
                    "user": "ann",
                    "password": "${env.SHOP_PASSWORD}",
                    "pin": "${env.SHOP_PIN}",
                }
            },
        ),
        (
            "curl http://h/login -d user=ann -d password=hunter2",
            {"form": {"user": "ann", "password": "${env.SHOP_PASSWORD}"}},
        ),
    ],
)
def test_what_is_sent_is_taken_over(command: str, step: dict[str, object]) -> None:
    [made] = draft(command).benchmarks[0].steps

    assert {key: made.table.get(key) for key in step} == step


def test_json_that_curl_calls_a_form_is_told() -> None:
    [step] = draft('curl http://h/login -d \'{"password": "hunter2"}\'').benchmarks[0].steps

    assert step.table["json"] == {"password": "${env.SHOP_PASSWORD}"}
    assert step.table["headers"] == FORM_TYPE
    [told] = step.remarks
    assert told.startswith("Its body is JSON, and is sent as application/x-www-form-urlencoded, ")
    assert told.endswith("; without the header Content-Type here it is sent as application/json.")


@pytest.mark.parametrize(
    "command",
    ["curl -u ann:hunter2 http://h/", "curl http://ann:hunter2@h/", "curl -uann:hunter2 h"],
)
def test_a_user_and_password_become_a_variable(command: str) -> None:
    made = draft(command)

    assert made.target["baseUrl"] == "http://h"
    assert made.benchmarks[0].parameters == {"auth": {"basicEnv": "SHOP_USER_PASSWORD"}}


def test_what_a_step_can_t_do_is_told_without_its_value() -> None:
    made = draft("curl -k http://h/?api_key=k-12345 -x http://u:hunter2@proxy --odd s3cr3t")

    assert made.benchmarks[0].parameters == {"insecureSkipVerify": True}
    assert made.left_out == ("The options --odd, -x of the command line were not taken over.",)
    assert made.benchmarks[0].steps[0].remarks == (LEFT_OUT,)


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("wget http://h", "it does not begin with the word curl"),
        ("curl", "it names no URL"),
        ("curl 'http://h", "its quotes don't match"),
        ("curl http://h -F a=@b", "its body is multipart/form-data"),
        ("curl http://h -d @secret.json", "its body is read from a file"),
        ("curl http://h -X BREW", "its method BREW is none of"),
        ("curl http://h -d '<p>password</p>' -H 'Content-Type: text/xml'", "may hold a secret"),
    ],
)
def test_what_can_t_be_taken_over_is_told(command: str, told: str) -> None:
    with pytest.raises(RequestError, match=told):
        draft_of(Given("shop", curl=command))


@pytest.mark.parametrize(
    "command",
    [
        'curl http://h/ --json \'{"password": "hunter2-long", "again": "hunter2-long"}\'',
        "curl http://h/ -d 'password=hunter2-long&again=hunter2-long'",
        "curl http://h/ -u bob:hunter2-long -H 'X-Copy: hunter2-long'",
    ],
)
def test_a_secret_is_written_under_no_other_name(command: str) -> None:
    assert "hunter2" not in profile_text(draft(command))


def test_an_address_that_is_none_is_told_and_a_second_one_too() -> None:
    with pytest.raises(RequestError, match="its URL can't be read: Invalid IPv6 URL"):
        draft("curl http://[::1")

    assert draft("curl http://h/a http://h/b").left_out == (
        "The command line names several URLs, of which the first was taken over.",
    )
