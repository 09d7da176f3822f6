"""A status looks as good or as bad as it is; what only names a line is neither."""

import pytest

from perf_pipeline.report.pages import style


@pytest.mark.parametrize(
    ("status", "shown"),
    [
        ("PASS", "good"),
        ("HELD", "good"),
        ("EQUIVALENT", "good"),
        ("CAPACITY", "strong"),
        ("SCALING", "strong"),
        ("FAULT", "strong"),
        ("GROWTH", "strong"),
        ("NOT_TRIED", "soft"),
        ("AT_LEAST", "care"),
        ("UNDECIDED", "care"),
        ("FAIL", "bad"),
        ("SLOWER", "bad"),
        ("a status that nobody thought of", "bad"),
    ],
)
def test_only_what_is_bad_is_shown_as_bad(status: str, shown: str) -> None:
    assert style(status) == shown
