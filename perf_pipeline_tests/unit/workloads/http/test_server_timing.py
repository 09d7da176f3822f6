"""The header Server-Timing as targets write it (W3C Server Timing, 3.1; RFC 9110, 5.6.4)."""

import pytest

from perf_pipeline.workloads.http.server_timing import database_us


@pytest.mark.parametrize(
    ("header", "expected_us"),
    [
        ("db;dur=53.2", 53_200),
        ("cache;desc=miss, DB ; dur=1 , app;dur=47.2", 1_000),
        ("sql;dur=2,database;dur=3", 5_000),
        ('db;desc="x";dur="0.004"', 4),
        ("db;dur=0", 0),
        ('app;desc="a, db;dur=9", db;dur=1', 1_000),
        ('db;desc="select a, b; dur=9";dur=1, total;dur=2', 1_000),
        ('app;desc="say \\"x\\", db;dur=9";dur=3, db;dur=1', 1_000),
        ('app;desc = "a, db;dur=9" , db;dur = "1"', 1_000),
        ('db;dur="\\1.5"', 1_500),
        ('app;desc=5", db;dur=1', 1_000),  # no quoted value: it does not begin with the quote
        # the sad part
        ("", None),
        ("total;dur=4", None),
        ("db", None),
        ("db;dur=", None),
        ("db;dur=soon", None),
        ("db;dur=-1", None),
        ("db;dur=nan, db;dur=inf, db;dur=1e300", None),
        (";;,,;dur=1", None),
        (";db;dur=1", None),
        ('app;desc="db;dur=1, db;dur=2', None),
        ('app;desc="a\\', None),
        ('app;desc=",db;dur=1"', None),
    ],
)
def test_the_database_time_is_read_or_not_said(header: str, expected_us: int | None) -> None:
    assert database_us(header) == expected_us
