"""What is masked once it is known: every spelling of a secret, and no ordinary word."""

import base64
import html
import io
import json
import sys
from urllib.parse import quote, quote_plus

import pytest

from perf_pipeline.errors import ProfileError
from perf_pipeline.secrecy.known import KNOWN, KnownSecrets
from perf_pipeline.secrecy.streams import masked_output

ODD = "p@ss w/ö'r\"d\\<&>\n+second line"


def known(*values: str) -> KnownSecrets:
    secrets = KnownSecrets()
    secrets.add(*values)
    return secrets


def basic(user: str) -> str:
    return base64.b64encode(f"{user}:{ODD}:end".encode()).decode()


@pytest.mark.parametrize(
    "written",
    [
        ODD,
        ODD.upper(),
        quote(ODD),
        quote(ODD, safe=""),
        quote_plus(ODD),
        quote(ODD, safe="").lower(),
        quote(quote(ODD, safe=""), safe=""),
        repr(ODD)[1:-1],
        ascii(ODD)[1:-1],
        repr(ODD.encode())[2:-1],
        repr(repr(ODD)[1:-1])[1:-1],
        json.dumps(ODD)[1:-1],
        json.dumps(ODD, ensure_ascii=False)[1:-1],
        json.dumps(json.dumps(ODD)[1:-1])[1:-1],
        html.escape(ODD),
        html.escape(json.dumps(ODD)[1:-1]),
        html.escape(repr(ODD)[1:-1]),
        ODD.encode().hex(),
        ODD.encode().decode("latin-1"),
        base64.b64encode(ODD.encode()).decode(),
        base64.urlsafe_b64encode(ODD.encode()).decode(),
    ],
)
def test_a_secret_is_masked_in_every_spelling(written: str) -> None:
    shown = known(ODD).mask(f"before <{written}> after")

    assert shown.startswith("before <***")
    assert shown.endswith("> after")
    assert "ss" not in shown


@pytest.mark.parametrize("user", ["u", "us", "use", "user"])
def test_basic_authentication_is_masked_wherever_the_password_begins_in_it(user: str) -> None:
    assert known(ODD).mask(f"Basic header {basic(user)}!") == "Basic header ***!"


def test_a_secret_that_was_given_encoded_is_masked_decoded_and_encoded_again() -> None:
    secrets = KnownSecrets()
    secrets.add_address("postgresql://u:p%40ss%2Fword@h/db")

    assert secrets.mask("p%40ss%2Fword p@ss/word p%40ss/word") == "*** *** ***"


def test_each_long_line_of_a_secret_is_a_secret() -> None:
    assert known("-----BEGIN-----\nabcdefgh1234\nxy\n").mask("abcdefgh1234 xy") == "*** xy"


@pytest.mark.parametrize(
    ("value", "text", "shown"),
    [
        ("a", "a banana", "a banana"),
        ("123", "status 123", "status 123"),
        ("main", "domain main", "domain ***"),
        ("2024", "120240 2024", "120240 ***"),
        ("hunter2", "xhunter2y", "x***y"),
        ("abcdefghijkl", "xabcdefghijkly", "x***y"),
    ],
)
def test_what_may_be_an_ordinary_word_is_masked_as_a_word_only(
    value: str, text: str, shown: str
) -> None:
    assert known(value).mask(text) == shown


def test_a_password_that_is_also_the_users_name_is_hidden_in_its_place_only() -> None:
    secrets = KnownSecrets()
    address = "postgresql://postgres:postgres@127.0.0.1/postgres"
    secrets.add_address(address)

    shown = secrets.mask(f"{address}: postgres is down")

    assert shown == "postgresql://postgres:***@127.0.0.1/postgres: postgres is down"


def test_an_environment_variable_may_hold_a_token_an_address_or_a_pair() -> None:
    secrets = KnownSecrets()
    secrets.add_all(["tok-1234", "user:pass-5678", "redis://:cache-90@h/0"])

    assert (
        secrets.mask("tok-1234, pass-5678, cache-90, redis://h/0") == "***, ***, ***, redis://h/0"
    )


def test_errors_and_output_show_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    KNOWN.add("unit-test-s3cret")
    out = io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)

    with masked_output(held=True):
        sys.stdout.write("in two pieces: unit-test-")
        sys.stdout.write("s3cret\nand without an end: unit-test-s3cret")
    error = ProfileError("x.toml", ["it has unit-test-s3cret"], hint="not unit-test-s3cret")

    assert out.getvalue() == "in two pieces: ***\nand without an end: ***"
    assert "s3cret" not in f"{error} {error.args} {error.problems} {error.hint}"
