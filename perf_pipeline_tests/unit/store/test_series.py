"""Series over runs are those that a walk over the stored rows by hand gives."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Final

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perf_pipeline.errors import PerfPipelineError, StoreError
from perf_pipeline.store.columns import columns_of
from perf_pipeline.store.comparison_rows import SeriesPoint
from perf_pipeline.store.history import History, memory_history
from perf_pipeline.store.proof import RowProof, seal
from perf_pipeline.store.records import RunKey
from perf_pipeline.store.series import OverRuns, SeriesName, series_of
from perf_pipeline.store.tags_text import read_tags

BEGAN: Final = datetime(2026, 11, 1, 12, tzinfo=UTC)
TAGS: Final = ("", "scenario:read", "operation:get,scenario:write")
WANTED: Final = [
    SeriesName(benchmark, load, metric, tags, statistic)
    for benchmark, load, metric, tags, statistic in product(
        ("api", "queue"), ("l1", "l2"), ("http_req_duration", "http_reqs"), TAGS, ("p(95)", "count")
    )
]
_REST: Final = {
    "runs": {
        "profile_json": "'{}'",
        "config_hash": "'c'",
        "seed": "1",
        "target": "'t'",
        "triggered_by": "'cli'",
        "code_version": "'1'",
        "notices": "[]",
    },
    "benchmarks": {
        "health": "map {}",
        "problems": "[]",
        "torn_lines": "0",
        "raw_kept": "false",
        "ingested_at": "now()::timestamp",
    },
    "scenarios": {"iterations": "1", "measured_from_us": "0", "measured_until_us": "1"},
    "summaries": {"kind": "'trend'", "unit": "'ms'"},
}
Reasons = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """Be one benchmark of one run with all that decides whether its figures are in a series."""

    run: int
    made_as: int
    day: int
    profile: str
    environment: str
    benchmark: str
    load: str
    status: str
    valid: bool
    reasons: Reasons
    scenarios: tuple[tuple[str, Reasons | None], ...]
    figures: tuple[tuple[str, str, float | None, float], ...]

    @property
    def run_id(self) -> str:
        """Name the run."""
        return f"r{self.run}"

    @property
    def began_at(self) -> datetime:
        """Give the moment by the clock, in UTC."""
        return BEGAN + timedelta(days=self.day)

    @property
    def place(self) -> tuple[int, int, str]:
        """Give the place in the order in which runs were made."""
        return (self.made_as, self.day, self.run_id)

    def keeps_up_in(self, scenario: str) -> bool:
        """Say whether figures of a scenario (of all when empty) are about the target."""
        if self.valid or not (scenario and self.reasons):
            return self.valid
        named = {reason for _, reasons in self.scenarios for reason in reasons or ()}
        return named >= set(self.reasons) and (scenario, ()) in self.scenarios

    def figure(self, name: SeriesName) -> float | None:
        """Give the stored figure."""
        for metric, tags, p95, count in self.figures:
            if (metric, tags) == (name.metric, name.tags):
                return p95 if name.statistic == "p(95)" else count
        return None


def expected(
    rows: Sequence[Row], name: SeriesName, like: tuple[str, str], before: str | None, limit: int
) -> OverRuns:
    """Walk over all rows, oldest first."""
    places = {row.run_id: row.place for row in rows}
    whole, earlier = [], []
    for row in sorted(rows, key=lambda value: value.place):
        figure = row.figure(name)
        scenario = read_tags(name.tags).get("scenario", "")
        is_like = (row.benchmark, row.load) == (name.benchmark, name.load_hash) and (
            row.profile,
            row.environment,
        ) == like
        is_wanted = row.status == "complete" and row.keeps_up_in(scenario)
        if is_like and is_wanted and figure is not None:
            point = SeriesPoint(row.run_id, row.began_at.isoformat(), figure)
            whole.append(point)
            if before is not None and row.place < places[before]:
                earlier.append(point)
    return OverRuns(tuple(earlier[-limit:]), tuple(whole[-limit:]))


_REASONS = st.sampled_from(((), ("lag",), ("lag", "disk")))
_FIGURES = st.lists(
    st.tuples(
        st.sampled_from(("http_req_duration", "http_reqs")),
        st.sampled_from(TAGS),
        st.none() | st.floats(0.0, 1e6),
        st.floats(0.0, 1e6),
    ),
    min_size=2,
    max_size=6,
    unique_by=lambda row: row[:2],
)
_SCENARIOS = st.lists(
    st.tuples(st.sampled_from(("read", "write")), st.none() | _REASONS),
    max_size=2,
    unique_by=lambda row: row[0],
)


@st.composite
def histories(draw: st.DrawFn) -> list[Row]:
    """Make runs in any order, some at the same place, with both benchmarks or one of them."""
    rows: list[Row] = []
    for run in range(draw(st.integers(1, 8))):
        made_as, day = draw(st.integers(1, 4)), draw(st.integers(0, 3))
        profile = draw(st.sampled_from(("quick", "quick", "full")))
        environment = draw(st.sampled_from(("here", "here", "there")))
        benchmarks = draw(st.sampled_from((("api",), ("queue",), ("api", "queue"))))
        rows += [
            Row(
                run,
                made_as,
                day,
                profile,
                environment,
                benchmark,
                draw(st.sampled_from(("l1", "l1", "l2"))),
                draw(st.sampled_from(("complete", "complete", "complete", "stopped"))),
                draw(st.booleans()),
                draw(_REASONS),
                tuple(draw(_SCENARIOS)),
                tuple(draw(_FIGURES)),
            )
            for benchmark in benchmarks
        ]
    return rows


@pytest.fixture(scope="module")
def history() -> Iterator[History]:
    """Open one history for all examples."""
    with memory_history() as opened:
        opened.connection.execute("set threads = 1")  # as for a small file
        for name in ("here", "there"):
            opened.connection.execute("insert into environments values (?, map {})", [name])
        yield opened


def _store(connection: duckdb.DuckDBPyConnection, rows: Sequence[Row]) -> None:
    runs = {
        row.run_id: (
            row.run_id,
            row.profile,
            row.environment,
            row.began_at.replace(tzinfo=None),
            row.made_as,
        )
        for row in rows
    }
    _fill(connection, "runs", "run_id, profile, environment_id, began_at, made_as", runs.values())
    _fill(
        connection,
        "benchmarks",
        "run_id, benchmark, status, valid, invalid_reasons, load_hash",
        [
            (row.run_id, row.benchmark, row.status, row.valid, list(row.reasons), row.load)
            for row in rows
        ],
    )
    _fill(
        connection,
        "scenarios",
        "run_id, benchmark, scenario, invalid_reasons",
        [
            (row.run_id, row.benchmark, name, None if reasons is None else list(reasons))
            for row in rows
            for name, reasons in row.scenarios
        ],
    )
    _fill(
        connection,
        "summaries",
        "run_id, benchmark, metric, tags, p95, count",
        [(row.run_id, row.benchmark, *figures) for row in rows for figures in row.figures],
    )


def _fill(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    columns: str,
    rows: Iterable[tuple[object, ...]],
) -> None:
    """Replace all rows of a table; columns that are not named get what any row may have."""
    connection.execute(f"delete from {table}")
    values = list(rows)
    if values:
        rest, types = _REST[table], columns_of(connection)[table]
        lists = [f"unnest(?::{types[name]}[])" for name in columns.split(", ")]
        connection.execute(
            f"insert into {table} ({columns}, {', '.join(rest)}) "
            f"select {', '.join((*lists, *rest.values()))}",
            [list(column) for column in zip(*values, strict=True)],
        )


@settings(deadline=None, max_examples=40)
@given(rows=histories(), limit=st.integers(1, 9), choice=st.integers(0, 8))
def test_all_series_read_at_once_are_those_of_a_walk_over_every_run(
    history: History, rows: list[Row], limit: int, choice: int
) -> None:
    _store(history.connection, rows)
    before = next((row.run_id for row in rows if row.run == choice), None)

    found = series_of(
        history.proof,
        WANTED,
        profile="quick",
        environment_id="here",
        before=before,
        limit=limit,
    )

    like = ("quick", "here")
    assert found == {name: expected(rows, name, like, before, limit) for name in WANTED}


def complete(run: int, *, valid: bool) -> Row:
    """Make a run of the same load, one a day."""
    figures = (("http_req_duration", "", None, float(run)),)
    return Row(run, 1, run, "quick", "here", "api", "l1", "complete", valid, ("lag",), (), figures)


def test_an_earlier_run_is_not_the_newest_of_all_where_newer_ones_were_not_valid(
    history: History,
) -> None:
    # One point is wanted, so the two newest runs are read first (r3, r4), and two before r1 (r0).
    valid = (True, False, True, False, False)
    _store(history.connection, [complete(run, valid=good) for run, good in enumerate(valid)])
    name = SeriesName("api", "l1", "http_req_duration", "", "count")

    found = series_of(
        history.proof, [name], profile="quick", environment_id="here", before="r1", limit=1
    )[name]

    assert [point.run_id for point in found.before] == ["r0"]
    assert [point.run_id for point in found.whole] == ["r2"]


READ: Final = SeriesName("api", "l1", "http_req_duration", "scenario:read", "count")


@pytest.fixture
def starved(history: History) -> RowProof:
    """Store four runs, sealed: of the oldest one scenario kept up, and of the others none did."""
    figures = (("http_req_duration", "scenario:read", None, 7.0),)
    rows = [
        Row(
            *(run, 1, run, "quick", "here", "api", "l1", "complete", False, ("lag",)),
            (("read", () if run == 0 else ("lag",)), ("write", ("lag",))),
            figures,
        )
        for run in range(4)
    ]
    _store(history.connection, rows)
    history.connection.execute("delete from digests")
    keys = [RunKey(row.run_id, row.benchmark) for row in rows]
    seal(history.connection, keys, ["benchmarks", "scenarios", "verdicts", "summaries"])
    return RowProof(history.connection)


def whole(proof: RowProof, name: SeriesName) -> list[str]:
    """Read one point: of the two newest runs, and as neither has one, of older ones."""
    found = series_of(proof, [name], profile="quick", environment_id="here", before=None, limit=1)
    return [point.run_id for point in found[name].whole]


def test_older_runs_that_count_for_nothing_are_not_read(starved: RowProof) -> None:
    starved.connection.execute("update summaries set count = 1 where run_id = 'r1'")

    assert whole(starved, READ) == ["r0"]


@pytest.mark.parametrize(
    ("change", "table"),
    [
        ("update benchmarks set load_hash = 'l2'", "benchmarks"),
        ("update scenarios set invalid_reasons = ['lag']", "scenarios"),
        (
            (
                "insert into verdicts select run_id, benchmark, 0, 'http_req_failed', '', 'rate', "
                "null, '<', 0, 'profile', 'error', false, 0, 1, 'FAIL', '' from benchmarks"
            ),
            "verdicts",
        ),
        ("update summaries set count = 1", "summaries"),
    ],
)
def test_an_older_run_is_not_passed_over_because_of_damage(
    starved: RowProof, change: str, table: str
) -> None:
    starved.connection.execute(f"{change} where run_id = 'r0'")

    with pytest.raises(StoreError, match=f"table {table} has of api in run r0"):
        whole(starved, READ)

    starved.connection.execute("delete from verdicts")


def test_a_run_that_nobody_knows_is_refused(history: History) -> None:
    with pytest.raises(PerfPipelineError, match="'r77' is not in the history"):
        series_of(
            history.proof,
            WANTED,
            profile="quick",
            environment_id="here",
            before="r77",
            limit=5,
        )
