"""docs/schema.md names every table and column, and its queries answer on a real ingested run."""

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pytest

from perf_pipeline.metrics.sample import Outcome, Reading
from perf_pipeline.metrics.threshold import parse_threshold
from perf_pipeline.store.history import open_history
from perf_pipeline.store.metric_sql import METRIC_COLUMNS
from perf_pipeline.store.records import RunKey
from perf_pipeline_tests.support.histories.queries import query_snapshot
from perf_pipeline_tests.support.histories.spool import Spool, complete, sample
from perf_pipeline_tests.support.places import ROOT

_DOCS: Final = (ROOT / "docs" / "schema.md").read_text(encoding="utf-8")
_QUERIES: Final = dict(
    re.findall(r"^(\S[^\n]*\?)\n\n```sql\n(.*?)```", _DOCS, re.DOTALL | re.MULTILINE)
)
KEY = RunKey("r1", "api")
# Answers by hand: 10 and 30 ms that end in second 1 and 2, one refused; median 10, p95 by rank 1.9.
_ANSWERS: Final[dict[str, list[tuple[Any, ...]]]] = {
    "Did the p95 of the API get slower over the last runs?": [
        (datetime(2026, 11, 1, 12), "r1", "", 10.0, 28.0, 29.6, 3.0),  # noqa: DTZ001 - as stored
        (datetime(2026, 11, 1, 12), "r1", "scenario:create", 10.0, 28.0, 29.6, 3.0),  # noqa: DTZ001 - as stored
    ],
    "Which thresholds failed in the newest run, and by how much?": [
        ("api", "http_req_duration", "scenario:create", "p(95)<10", 28.0, 2.8, "FAIL")
    ],
    "When during the newest run was it slow?": [(1, 2, 9.5, 1), (2, 1, 30.0, 0)],
    "What errors did the target give?": [
        ("api", "create", "create_user", "failed", 0, "refused", 1, 0.0)
    ],
    "How busy was the machine while the load was measured?": [
        ("api", "host", "host_cpu_percent", 15.0, 20.0)
    ],
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Make a history with one judged run."""
    spool = Spool(
        samples=[
            sample(10),
            sample(0, outcome=Outcome.FAILED, status=0, error="refused"),
            sample(30, started_us=2_000_000, intended_us=2_000_000),
        ],
        readings=[
            Reading(at_us, "host", "host_cpu_percent", value)
            for at_us, value in [(0, 90.0), (1_500_000, 10.0), (2_500_000, 20.0)]
        ],
        outcome=complete(),
    )
    with open_history(tmp_path / "history.duckdb") as history:
        history.ingest(spool.write(tmp_path), "api")
        history.summarise(KEY)
        threshold = parse_threshold("http_req_duration{scenario:create}", "p(95)<10")
        history.store_verdicts({KEY: [threshold.judge(history.observe(KEY, threshold))]})
    return tmp_path / "history.duckdb"


@pytest.mark.parametrize("question", _QUERIES)
def test_a_query_of_the_documentation_answers_its_question(question: str, path: Path) -> None:
    _, rows = query_snapshot(path, _QUERIES[question])

    rounded = [tuple(round(v, 9) if isinstance(v, float) else v for v in row) for row in rows]
    assert rounded == _ANSWERS[question]


def test_five_questions_are_answered() -> None:
    assert list(_QUERIES) == list(_ANSWERS)


def _documented() -> Iterator[tuple[str, str]]:
    for section in _DOCS.split("\n### ")[1:]:
        table, _, text = section.partition("\n")
        rows = re.findall(r"^\| (`.*?) \|", text, re.MULTILINE) or [text]
        for name in re.findall(r"`([a-z0-9_]+)`", " ".join(rows)):
            yield table, name


def test_every_column_of_every_table_is_documented_and_no_other(path: Path) -> None:
    _, columns = query_snapshot(
        path, "select table_name, column_name from duckdb_columns() where not internal"
    )

    tables = {(table, name) for table, name in columns if table != "metric_values"}
    assert {pair for pair in _documented() if pair[0] != "schema_migrations"} == {
        pair for pair in tables if pair[0] != "schema_migrations"
    }
    assert {name for table, name in columns if table == "metric_values"} == set(METRIC_COLUMNS)
    view = _DOCS.split("## The view metric_values")[1]
    assert all(f"`{name}`" in view for name in METRIC_COLUMNS)
