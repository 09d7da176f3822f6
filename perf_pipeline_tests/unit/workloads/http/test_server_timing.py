"""The header Server-Timing as targets write it (grammar: W3C Server Timing, section 3.1)."""

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
        # the sad part
        ("", None),
        ("total;dur=4", None),
        ("db", None),
        ("db;dur=", None),
        ("db;dur=soon", None),
        ("db;dur=-1", None),
        ("db;dur=nan, db;dur=inf, db;dur=1e300", None),
        (";;,,;dur=1", None),
    ],
)
def test_the_database_time_is_read_or_not_said(header: str, expected_us: int | None) -> None:
    assert database_us(header) == expected_us
