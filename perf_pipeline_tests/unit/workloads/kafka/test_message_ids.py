"""Which messages of a topic have an id that can be written down, and why others have none."""

import json

import pytest

from perf_pipeline.workloads.kafka.consume import message_id_of


def _message(found: object) -> bytes:
    return json.dumps({"messageId": found}).encode()


@pytest.mark.parametrize(
    ("value", "message_id"),
    [
        (_message("a1"), "a1"),
        (_message("é"), "é"),
        (_message("x" * 200), "x" * 200),
        (json.dumps({"messageId": "a1"}).encode("utf-16"), "a1"),
    ],
)
def test_an_id_that_can_be_written_down_is_given(value: bytes, message_id: str) -> None:
    assert message_id_of(value) == (message_id, "")


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        (None, "it has no value"),
        (b"", "its value is not JSON"),
        (b"\xff\xfe\x00", "its value is not JSON"),
        (b"<html>", "its value is not JSON"),
        (b"[" * 100_000, "its value is not JSON"),
        (b"[" * 100_000 + b"]" * 100_000, "its value is not JSON"),
        (b'{"messageId": ' + b"1" * 5_000 + b"}", "its value is not JSON"),
        (b"[]", "its value is not a JSON object with a text messageId"),
        (b"null", "its value is not a JSON object with a text messageId"),
        (b"{}", "its value is not a JSON object with a text messageId"),
        (_message(7), "its value is not a JSON object with a text messageId"),
        (_message(["a"]), "its value is not a JSON object with a text messageId"),
        (_message(""), "its messageId is empty, longer than 200 letters, or not printable"),
        (_message("x" * 201), "its messageId is empty, longer than 200 letters, or not printable"),
        (_message("a\r\nb"), "its messageId is empty, longer than 200 letters, or not printable"),
        (_message("a\x00"), "its messageId is empty, longer than 200 letters, or not printable"),
        # A lone surrogate, which JSON can hold and no file can.
        (_message("\ud800"), "its messageId is empty, longer than 200 letters, or not printable"),
    ],
)
def test_a_message_without_such_an_id_has_a_reason(value: bytes | None, fault: str) -> None:
    assert message_id_of(value) == ("", fault)
