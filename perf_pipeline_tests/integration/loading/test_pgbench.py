"""pgbench's figure stands beside ours where our client was the limit, and is the server's truth."""

import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from perf_pipeline.config.loading import load_profile
from perf_pipeline.config.profile import Profile
from perf_pipeline.config.target import TargetConfig, resolve_target
from perf_pipeline.engine.job import GeneratorHealth, LoadOutcome
from perf_pipeline.errors import TargetUnavailableError
from perf_pipeline.loading import pgbench
from perf_pipeline.loading.measure import measure
from perf_pipeline.loading.pgbench import Beside, pgbench_beside
from perf_pipeline.loading.session import Session
from perf_pipeline.stack.parts import ServiceInfo
from perf_pipeline.stack.postgres_pgbench import find_pgbench, pgbench_rate
from perf_pipeline.workloads.postgres.users import select_script
from perf_pipeline_tests.support.loads.sessions import session_with
from perf_pipeline_tests.support.loads.workload_bench import scratch_database

BENCHMARK = "database_benchmark"
BENCH = f"benchmarks.{BENCHMARK}"
SELECTS = ("select_without_index", "select_with_index")
# What each step does, beside the two selects, is of no interest here.
FEW = {"insert": 2, "update": 10, "delete": 10, "copy": 1}
# One connection keeps one processor busy, and more of them two: nobody asks here for the most.
ONE_EACH = {f"{BENCH}.scenarios.{name}.vus": 1 for name in SELECTS}
COMMITS = "select xact_commit from pg_stat_database where datname = current_database()"


@pytest.fixture
def dsn(postgres_dsn: str) -> Iterator[str]:
    """Give a database of its own with the reference system's tables."""
    with scratch_database(postgres_dsn, "test_pgbench") as own:
        yield own


@pytest.fixture(autouse=True)
def _a_second_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pgbench load the server for a second a select, and not for three."""
    monkeypatch.setattr(pgbench, "SECONDS", 1)


@pytest.fixture
def program() -> Path:
    """Give pgbench, which comes with the server's binaries here."""
    found = find_pgbench()
    assert found is not None
    return found


def health(*reasons: str, notes: tuple[str, ...] = ()) -> GeneratorHealth:
    return GeneratorHealth(not reasons, reasons, {}, notes)


INVALID = health("worker 0 stood still")
CEILING = health(notes=("the load generator was the limit of the ceiling run",))


def told(
    dsn: str, without_index: GeneratorHealth, with_index: GeneratorHealth, *, embedded: bool = True
) -> list[Beside]:
    """Tell of a run in which each select had its health, and all other steps that of the first."""
    session = session_of(dsn, load_profile("quick", ONE_EACH), embedded=embedded)
    of_select = dict(zip(SELECTS, (without_index, with_index), strict=True))
    healths = [
        of_select.get(next(iter(scenarios)), without_index)
        for _, scenarios in session.profile.benchmarks[BENCHMARK].load_steps
    ]
    outcomes = [
        LoadOutcome(session.began_at, 1.0, (), health, {}, stopped=False) for health in healths
    ]
    return list(pgbench_beside(session, BENCHMARK, outcomes))


def session_of(
    dsn: str, profile: Profile, *, embedded: bool = True, state: Path = Path("nowhere")
) -> Session:
    """Give a session on the database alone."""
    postgres = ServiceInfo(
        "postgres", "postgresql" if embedded else "external", "18", "", (), {}, None
    )
    target = resolve_target("local", TargetConfig(), {"PERF_POSTGRES_DSN": dsn})
    return replace(session_with(profile, target, state), services=(postgres,))


def few_iterations() -> Profile:
    """Give the benchmark's profile with as few iterations as it takes."""
    counts = {**dict.fromkeys(SELECTS, 40), **FEW}
    few = {f"{BENCH}.scenarios.{name}.iterations": count for name, count in counts.items()}
    given = {"workers": 1, "calibration": False, "seeding.users": 200}
    return load_profile("quick", {**given, **ONE_EACH, **few})


def commits(dsn: str) -> int:
    with psycopg.connect(dsn, autocommit=True) as connection:
        row = connection.execute(COMMITS).fetchone()
    assert row is not None
    return int(row[0])


def test_the_rate_is_what_the_server_has_committed(dsn: str, program: Path) -> None:
    before = commits(dsn)
    rate = pgbench_rate(program, dsn, select_script(100), connections=1, seconds=2)
    committed = commits(dsn) - before

    # Its two seconds do not hold the connecting, and a backend counts up to a second late.
    assert 0.75 * committed / 2 <= rate <= 1.25 * committed / 2


def test_a_client_at_its_limit_is_told_with_pgbench_beside_it_invalid_or_a_ceiling(
    dsn: str,
) -> None:
    without, with_index = told(dsn, INVALID, CEILING)

    assert without.told.startswith("select_without_index: pgbench reached ")
    assert with_index.told.startswith("select_with_index: pgbench reached ")
    assert "records/s after the benchmark, with the same statement and" in with_index.told
    assert without.figure is not None
    assert with_index.figure is not None
    for figure in (without.figure, with_index.figure):
        assert (figure.name, figure.operation) == ("db_records_per_s_pgbench", "select_users")
    assert f" {with_index.figure.value:,.0f} records/s" in with_index.told
    assert with_index.figure.scenario == "select_with_index"
    assert with_index.figure.value > 0


def test_without_a_pgbench_there_is_a_sentence_and_no_figure(
    dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pgbench, "find_pgbench", lambda: None)

    # The other way round than above: each way to be the limit is told of each select.
    first, second = told(dsn, CEILING, INVALID)
    assert first.told.startswith("select_without_index: pgbench is not on PATH")
    assert second.told.startswith("select_with_index: pgbench is not on PATH")
    assert first.figure is None
    assert second.figure is None


def test_the_figure_is_in_the_spool_beside_our_own_of_the_same_select(
    dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether this client is the limit is the machine's affair: here it always is."""
    monkeypatch.setattr(pgbench, "_was_limit", lambda _: True)
    session = session_of(dsn, few_iterations(), state=tmp_path)
    session.folder.mkdir(parents=True)

    outcome = measure(session, BENCHMARK)

    with (session.folder / BENCHMARK / "figures.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    places = {
        name: {(row["scenario"], row["operation"]) for row in rows if row["name"] == name}
        for name in ("db_records_per_s", "db_records_per_s_pgbench")
    }
    assert places["db_records_per_s_pgbench"] == {(name, "select_users") for name in SELECTS}
    assert places["db_records_per_s_pgbench"] <= places["db_records_per_s"]
    assert sum("pgbench reached" in problem for problem in outcome.problems) == len(SELECTS)


def test_a_select_without_an_index_is_not_measured_where_the_target_has_one(
    dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pgbench, "_was_limit", lambda _: True)
    with psycopg.connect(dsn) as connection:
        connection.execute(
            "create index theirs on users ((extract(month from birthday_date)), "
            "(extract(day from birthday_date)))"
        )
    session = session_of(dsn, few_iterations(), state=tmp_path)
    session.folder.mkdir(parents=True)

    outcome = measure(session, BENCHMARK)

    assert [scenario.name for scenario in outcome.scenarios] == [
        "insert",
        "select_with_index",
        "update",
        "delete",
        "copy",
    ]
    assert (
        "select_without_index: not measured, because the target has an index of its own on month "
        "and day (theirs), and a select without an index would use it"
    ) in outcome.problems
    beside = [problem for problem in outcome.problems if "pgbench" in problem]
    assert all(problem.startswith("select_with_index: pgbench reached") for problem in beside)
    assert len(beside) == 1
    with psycopg.connect(dsn) as connection:
        made = "select count(*) from pg_indexes where indexname = 'theirs'"
        assert connection.execute(made).fetchone() == (1,)


def test_neither_a_client_that_kept_up_nor_a_set_clock_nor_a_system_elsewhere_is_loaded_again(
    dsn: str,
) -> None:
    before = commits(dsn)

    clock_was_set = health("the wall clock was set by +900 ms")

    assert told(dsn, health(), health()) == []
    assert told(dsn, clock_was_set, clock_was_set) == []
    assert told(dsn, INVALID, INVALID, embedded=False) == []
    assert commits(dsn) - before < 10


def test_a_pgbench_that_fails_is_one_sentence(dsn: str, program: Path) -> None:
    with pytest.raises(TargetUnavailableError, match='relation "nowhere" does not exist'):
        pgbench_rate(program, dsn, "select nothing from nowhere;\n", connections=1, seconds=1)


def test_libpqs_variables_move_neither_us_nor_pgbench_away_from_the_embedded_server(
    dsn: str, program: Path, pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    if pytestconfig.getoption("--postgres-dsn"):
        pytest.skip("the server is given")
    # Nobody listens there; without an address in the DSN libpq would go there.
    for name, value in {"PGHOSTADDR": "127.0.0.9", "PGHOST": "127.0.0.9", "PGPORT": "1"}.items():
        monkeypatch.setenv(name, value)

    with psycopg.connect(dsn) as connection:
        assert connection.info.hostaddr == "127.0.0.1"
    assert pgbench_rate(program, dsn, "select 1;\n", connections=1, seconds=1) > 0
