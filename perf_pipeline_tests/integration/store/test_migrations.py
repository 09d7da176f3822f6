"""The schema is made once, brought up to date, and refused when it is newer or not ours."""

import shutil
from pathlib import Path

import duckdb
import pytest

from perf_pipeline.errors import PerfPipelineError, StoreError
from perf_pipeline.store import migrate
from perf_pipeline.store.engines import attached
from perf_pipeline.store.history import memory_history, open_history
from perf_pipeline.store.migrate import migrations
from perf_pipeline.store.records import RunKey
from perf_pipeline.store.sample_tables import SAMPLE_TABLES
from perf_pipeline_tests.support.histories.spool import MIXED
from perf_pipeline_tests.support.histories.written import write_summaries

_NEWEST = migrations()[-1][0]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a history with one run in it."""
    path = tmp_path_factory.mktemp("made") / "history.duckdb"
    with open_history(path) as history:
        history.ingest(MIXED.write(path.parent / "spool"), "api")
    return path


@pytest.fixture
def path(made: Path, tmp_path: Path) -> Path:
    """Give a copy of that history."""
    return Path(shutil.copy2(made, tmp_path / "history.duckdb"))


def test_a_first_open_migrates_and_a_second_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "history.duckdb"
    with open_history(path) as history:
        first = history.connection.execute("select * from schema_migrations").fetchall()
    with open_history(path) as history:
        second = history.connection.execute("select * from schema_migrations").fetchall()

    assert [version for version, *_ in first] == [version for version, *_ in migrations()]
    assert first == second


def test_a_new_file_that_was_made_at_once_is_as_one_that_went_through_every_version(
    tmp_path: Path,
) -> None:
    one, other = tmp_path / "one.duckdb", tmp_path / "other.duckdb"
    for version, _, _ in migrations():
        with attached(one, read_only=False) as connection:
            migrate._apply(
                connection, [migration for migration in migrations() if migration[0] == version]
            )

    assert _schema(one) == _schema(other)


def _schema(path: Path) -> list[tuple[str, ...]]:
    """Tell how every table is made, and what its log says, after our own opening."""
    with open_history(path) as history:
        ask = history.connection.execute
        return [
            *ask("select table_name, sql from duckdb_tables() order by table_name").fetchall(),
            *ask("select view_name, sql from duckdb_views() where not internal").fetchall(),
            *ask("select name, version from schema_migrations order by version").fetchall(),
        ]


def test_a_migration_that_fails_leaves_nothing_of_a_new_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "history.duckdb"
    wrong = (9999, "9999_wrong.sql", "create table half (id integer); select 1 / no_such_column")
    monkeypatch.setattr(migrate, "migrations", lambda: [*migrations(), wrong])
    with pytest.raises(duckdb.BinderException), open_history(path):
        pass
    monkeypatch.undo()

    with attached(path, read_only=True) as connection:
        assert connection.execute("select table_name from duckdb_tables()").fetchall() == []
    with open_history(path) as history:
        assert history.runs() == []


def test_an_outdated_view_is_brought_up_to_date_also_for_a_reader(path: Path) -> None:
    with duckdb.connect(path) as connection:
        connection.execute("create or replace view metric_values as select 1 as one")

    with open_history(path, read_only=True) as history:
        rows = history.connection.execute("select count(*) from metric_values").fetchone()

    assert rows is not None
    assert rows[0] > 0


@pytest.mark.parametrize("has_view", [False, True])
def test_a_history_in_memory_has_the_tables_of_a_file(tmp_path: Path, has_view: bool) -> None:
    asked = (
        "select table_name, column_name, data_type, is_nullable from information_schema.columns "
        "where table_name <> 'metric_values' or ? order by table_name, ordinal_position"
    )
    with open_history(tmp_path / "history.duckdb") as history:
        of_file = history.connection.execute(asked, [has_view]).fetchall()
    with memory_history(has_view=has_view) as history:
        of_memory = history.connection.execute(asked, [True]).fetchall()

    assert len(of_file) > 100
    assert of_memory == of_file


def test_what_was_kept_as_p50_is_kept_as_the_median(path: Path) -> None:
    diff = "'r1', 'api', {}, 'http_req_duration', '', '{}', 1, 'history', 5, 1, 0, 0, 0, 0, 'OK'"
    change = "'{}', 'api', 'http_req_duration', '', '{}', 'history', 1, 2, 0.01, now()::timestamp"
    with duckdb.connect(path) as connection:
        for position, statistic in enumerate(("p(50)", "p(95)")):
            connection.execute(f"insert into diffs values ({diff.format(position, statistic)})")
        for run_id, statistic in (("r1", "p(50)"), ("r2", "p(50)"), ("r2", "med")):
            connection.execute(
                f"insert into change_points values ({change.format(run_id, statistic)})"
            )
        connection.execute("delete from schema_migrations where version = 4")

    with open_history(path) as history:
        ask = history.connection.execute
        diffs = ask("select statistic from diffs order by position").fetchall()
        changed = ask("select run_id, statistic from change_points order by run_id").fetchall()

    assert diffs == [("med",), ("p(95)",)]
    assert changed == [("r1", "med"), ("r2", "med")]


def test_a_newer_schema_is_refused(path: Path) -> None:
    with duckdb.connect(path) as connection:
        connection.execute("insert into schema_migrations values (999, 'future', now()::timestamp)")

    for read_only in (False, True):
        with (
            pytest.raises(
                PerfPipelineError, match=rf"has schema 999, and .* knows up to {_NEWEST}\n.*upgrade"
            ),
            open_history(path, read_only=read_only),
        ):
            pass


def test_a_schema_that_this_code_does_not_know_is_newer_and_not_damaged(path: Path) -> None:
    with duckdb.connect(path) as connection:
        # of another branch, with a number that is lower than our newest
        connection.execute("insert into schema_migrations values (-1, 'theirs', now()::timestamp)")

    with (
        pytest.raises(PerfPipelineError, match="written by a newer perf_pipeline, and nothing in"),
        open_history(path),
    ):
        pass


def test_a_duckdb_file_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sales.duckdb"
    with duckdb.connect(path) as connection:
        connection.execute("create table orders (id integer)")

    with (
        pytest.raises(PerfPipelineError, match="something else .it has the table 'orders'"),
        open_history(path),
    ):
        pass
    with duckdb.connect(path) as connection:
        assert connection.execute("select table_name from duckdb_tables()").fetchall() == [
            ("orders",)
        ]


def test_the_index_of_summaries_goes_and_every_row_stays_proven(path: Path) -> None:
    names = {
        "summaries": "run_id, benchmark, metric, tags",
        "histograms": "run_id, benchmark, metric, scenario, operation, status, outcome, error",
    }
    with open_history(path) as history:
        history.summarise(RunKey("r1", "api"))
        before = {name: history.connection.execute(f"from {name}").fetchall() for name in names}
    with duckdb.connect(path) as connection:
        for table, key in names.items():
            connection.execute(f"alter table {table} add primary key ({key})")
        connection.execute("delete from schema_migrations where version = 17")

    with open_history(path) as history:
        told = history.summaries("r1")
        history.proof.require_rows(["r1"], "histograms")
        after = {name: history.connection.execute(f"from {name}").fetchall() for name in names}
        keys = history.connection.execute(
            "select table_name from duckdb_constraints() where constraint_type = 'PRIMARY KEY'"
        ).fetchall()

    assert len(told) > 3
    assert after == before
    assert not {(name,) for name in names} & set(keys)


def test_a_figure_that_is_there_twice_is_never_written(path: Path) -> None:
    with open_history(path) as history:
        history.summarise(RunKey("r1", "api"))
        before = history.summaries("r1")
        twice = [summary for _, summary in before[:1]] * 2
        with pytest.raises(ValueError, match="a summary of api is there twice"):
            write_summaries(history.connection, RunKey("r1", "api"), twice)

        assert history.summaries("r1") == before


def _with_samples_as_before(path: Path) -> list[tuple[object, ...]]:
    """Turn the file into one in which samples are one table, with its digests; give its rows."""
    with duckdb.connect(path) as connection:
        rows = connection.execute("from samples order by all").fetchall()
        connection.execute("create table together as from samples")
        connection.execute("drop view samples")
        for table in SAMPLE_TABLES:
            connection.execute(f"drop table {table}")
            connection.execute("delete from digests where table_name = ?", [table])
        connection.execute("alter table together rename to samples")
        columns = connection.execute("select column_name from (describe samples)").fetchall()
        made_by = f"duckdb {duckdb.__version__}: {' '.join(name for (name,) in columns)}"
        connection.execute(
            "insert into digests select run_id, benchmark, 'samples', count(*), "
            "sum(hash(each)::hugeint), ? from samples as each group by all",
            [made_by],
        )
        connection.execute("delete from schema_migrations where version = 30")
    return rows


def test_samples_of_before_they_had_kinds_are_the_same_and_stay_proven(path: Path) -> None:
    before = _with_samples_as_before(path)

    with open_history(path) as history:
        after = history.connection.execute("from samples order by all").fetchall()
        kinds = history.connection.execute("select kind from sample_kinds").fetchall()
        history.proof.require_run("r1")
        history.connection.execute("update sample_rows set vu = vu + 1")
    with open_history(path) as history, pytest.raises(StoreError, match="table sample_rows"):
        history.proof.require_run("r1")

    assert after == before
    assert len(before) > len(kinds) == len(set(kinds)) > 1


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        ("update samples set error = 'x' where vu = 1", "{all} rows, and others than were"),
        ("delete from samples", "0 rows, and {all} were"),
    ],
)
def test_samples_that_were_damaged_before_they_had_kinds_stay_refused(
    path: Path, damage: str, told: str
) -> None:
    _with_samples_as_before(path)
    with duckdb.connect(path) as connection:
        connection.execute(damage)

    told = f"table sample_rows has of api in run r1 {told.format(all=len(MIXED.samples))} written"
    with open_history(path) as history, pytest.raises(StoreError, match=told):
        history.outcomes("r1")
