"""What is told of an exception in an author's code: type, text, and the line of that code."""

import asyncio
import json
from collections.abc import Callable

import httpx
import pytest

from perf_pipeline.engine.exception_text import is_about_data, told
from perf_pipeline.metrics.threshold_grammar import parse_key
from perf_pipeline.secrecy.known import KNOWN


class _WithoutText(Exception):  # noqa: N818 - as an author may name it
    def __str__(self) -> str:
        raise RuntimeError


def _raised(code: Callable[[], object]) -> Exception:
    try:
        code()
    except Exception as error:  # noqa: BLE001 - whatever the code raises is what is asked for
        return error
    raise AssertionError("nothing was raised")


def _fail(error: Exception) -> None:
    raise error


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (lambda: json.loads("{}")["id"], "KeyError: 'id'"),
        (lambda: _fail(LookupError()), "LookupError"),
        # Raised deep in the standard library, and in an installed package: our line called them.
        (
            lambda: json.loads("<html>"),
            "JSONDecodeError: Expecting value: line 1 column 1 (char 0)",
        ),
        (lambda: httpx.URL("http://a:b"), "InvalidURL: Invalid port: 'b'"),
        (lambda: _fail(ValueError("one\n  two\x00\ud800é")), r"ValueError: one two\x00\ud800é"),
        (lambda: _fail(ValueError("x" * 5_000)), f"ValueError: {'x' * 200}..."),
        (lambda: _fail(_WithoutText()), "_WithoutText: its text can't be read"),
    ],
)
def test_an_exception_is_told_with_type_text_and_the_authors_line(
    code: Callable[[], object], text: str
) -> None:
    error = _raised(code)

    what, _, place = told(error).rpartition(" at ")

    assert what == text
    assert place.startswith("test_exception_text.py:")
    assert place.endswith((" in <lambda>", " in _fail"))


def test_an_exception_without_a_traceback_has_no_place() -> None:
    assert told(KeyError("id")) == "KeyError: 'id'"


def test_a_secret_in_an_exceptions_text_is_masked() -> None:
    KNOWN.add_all(["hunter2-of-the-shop"])

    assert "hunter2" not in told(ValueError("no row for hunter2-of-the-shop"))


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (lambda: json.loads("{}")["id"], True),
        (lambda: json.loads("[]")[0], True),
        (lambda: json.loads("null")["id"], True),
        (lambda: json.loads("null").id, True),
        (lambda: json.loads("<html>"), True),
        (lambda: 1 / 0, True),
        (lambda: _fail(AssertionError()), True),
        (lambda: _fail(NameError()), False),
        (lambda: _fail(OSError()), False),
        (lambda: _fail(NotImplementedError()), False),
        # Called wrongly, this product raises a ValueError of its own.
        (lambda: parse_key("http_reqs{"), False),
    ],
)
def test_only_what_data_can_cause_is_about_data(code: Callable[[], object], expected: bool) -> None:
    assert is_about_data(_raised(code)) is expected


def test_an_item_that_is_not_there_is_about_data() -> None:
    async def first_large() -> int:
        return next(number for number in [1, 2] if number > 2)

    assert is_about_data(_raised(lambda: asyncio.run(first_large())))
