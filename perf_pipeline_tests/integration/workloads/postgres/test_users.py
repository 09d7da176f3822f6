"""The database workloads on a real PostgreSQL: what they count is what the table holds."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
import uvloop

from perf_pipeline.engine.ports import Workload
from perf_pipeline.workloads.people import run_email_pattern
from perf_pipeline.workloads.postgres.new_users import CopyUsers, InsertUsers
from perf_pipeline.workloads.postgres.seeding import clean, seed, split_ids
from perf_pipeline.workloads.postgres.users import (
    DeleteUsers,
    SelectUsers,
    UpdateUsers,
)
from perf_pipeline_tests.support.loads.driven import driven
from perf_pipeline_tests.support.loads.workload_bench import (
    Bench,
    opened,
    outcomes,
    scratch_database,
)

Run = Callable[[Coroutine[Any, Any, None]], None]
END_SESSIONS = """
select pg_terminate_backend(pid) from pg_stat_activity
where application_name = 'perf_pipeline load' and datname = current_database()
"""


@pytest.fixture
def dsn(postgres_dsn: str) -> Iterator[str]:
    """Give a database of its own with the reference system's tables."""
    with scratch_database(postgres_dsn, "test_users") as own:
        yield own


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    """Give what runs a test on either event loop, debug mode off, as workers do."""

    def on_loop(work: Coroutine[Any, Any, None]) -> None:
        with asyncio.Runner(loop_factory=request.param) as runner:
            runner.run(work)

    return on_loop


def ask(dsn: str, query: str, *values: object) -> list[tuple[Any, ...]]:
    with psycopg.connect(dsn) as connection:
        return connection.execute(query.encode(), values).fetchall()


def secrets(dsn: str) -> dict[str, str]:
    return {"postgres_dsn": dsn}


def ids_file(folder: Path, ids: list[str]) -> str:
    path = folder / "ids.txt"
    path.write_text("".join(f"{user_id}\n" for user_id in ids), encoding="utf-8")
    return str(path)


def end_sessions(dsn: str) -> int:
    """End every connection of the load, as an administrator would."""
    return len(ask(dsn, END_SESSIONS))


@pytest.mark.parametrize("workload", [InsertUsers, CopyUsers])
def test_new_rows_are_in_the_table_exactly_as_counted(
    dsn: str, run: Run, workload: Callable[[], Workload]
) -> None:
    async def body() -> None:
        parameters = {"run": "r1/database", "batch": 100}
        async with opened(workload(), parameters, secrets=secrets(dsn), vus=3) as bench:
            await bench.iterate(4, vus=3)

        assert outcomes(bench.samples) == {("ok", ""): 12}
        assert {sample.records for sample in bench.samples} == {100}
        assert all(sample.bytes_out > 100 * 50 for sample in bench.samples)
        assert all(
            sample.intended_us <= sample.started_us <= sample.ended_us for sample in bench.samples
        )

    run(body())
    # 3 VUs x 4 iterations x 100 rows, all alive, all told by their run's pattern, all cleanable
    query = "select count(*), count(distinct email) from users where deleted_at is null"
    assert ask(dsn, query) == [(1200, 1200)]
    emails = [row[0] for row in ask(dsn, "select email from users")]
    assert all(re.fullmatch(run_email_pattern("r1/database"), email) for email in emails)
    assert clean(dsn) == 1200


@pytest.mark.parametrize("workload", [InsertUsers, CopyUsers])
def test_a_batch_that_is_made_twice_fails_as_a_whole_and_the_connection_lives(
    dsn: str, run: Run, workload: Callable[[], Workload]
) -> None:
    async def body() -> None:
        async with opened(workload(), {"run": "r1", "batch": 10}, secrets=secrets(dsn)) as bench:
            await bench.iterate(1)
            await bench.iterate(2)  # iteration 0 again: its emails exist

        assert outcomes(bench.samples) == {("ok", ""): 2, ("failed", "23505"): 1}
        assert [sample.records for sample in bench.samples] == [10, 0, 10]

    run(body())
    assert ask(dsn, "select count(*) from users") == [(20,)]


def test_the_largest_insert_has_as_many_values_as_a_statement_can_have(dsn: str, run: Run) -> None:
    async def body() -> None:
        # The protocol counts a statement's parameters in 16 bits: 65,535 at most, five for a row.
        parameters = {"run": "r1", "batch": 13_000}
        async with opened(InsertUsers(), parameters, secrets=secrets(dsn)) as bench:
            await bench.iterate(1)

        assert [(sample.outcome.value, sample.records) for sample in bench.samples] == [
            ("ok", 13_000)
        ]

    run(body())


def test_a_select_counts_one_record_whatever_it_returns(dsn: str, run: Run) -> None:
    seed(dsn, seed=1, run="r1", count=2_000)

    async def body() -> None:
        parameters = {"limit": 100, "run": "r1"}
        async with opened(SelectUsers(), parameters, secrets=secrets(dsn), vus=5) as bench:
            await bench.iterate(40, vus=5)

        assert outcomes(bench.samples) == {("ok", ""): 200}
        assert {(sample.operation, sample.records) for sample in bench.samples} == {
            ("select_users", 1)
        }

    run(body())


def test_updates_touch_every_id_of_the_file_once(dsn: str, run: Run, tmp_path: Path) -> None:
    ids = list(seed(dsn, seed=1, run="r1", count=100).ids)
    sets = split_ids(ids, {"updates": 40}, seed=1)
    path = ids_file(tmp_path, sets["updates"])

    async def body() -> None:
        for worker in range(2):
            async with opened(
                UpdateUsers(),
                {"ids_file": path, "run": "r1"},
                secrets=secrets(dsn),
                vus=4,
                worker=worker,
                workers=2,
            ) as bench:
                await bench.iterate(5, vus=4)  # 20 iterations: this worker's half of 40 ids
            assert outcomes(bench.samples) == {("ok", ""): 20}

    run(body())
    touched = ask(dsn, "select id::text from users where updated_at > created_at")
    assert {row[0] for row in touched} == set(sets["updates"])


def test_looping_users_delete_each_id_once_and_then_meet_no_row(dsn: str, tmp_path: Path) -> None:
    ids = list(seed(dsn, seed=1, run="r1", count=60).ids)
    parameters = {"ids_file": ids_file(tmp_path, ids), "run": "r1"}

    recorder = driven(DeleteUsers(), parameters, dsn, seconds=0.4)

    assert outcomes(recorder.samples).pop(("ok", "")) == 60
    assert set(outcomes(recorder.samples)) == {("ok", ""), ("failed", "no_row")}
    assert ask(dsn, "select count(*) from users where deleted_at is not null") == [(60,)]
    for vu in (1, 2):
        samples = [sample for sample in recorder.samples if sample.vu == vu]
        records = [record for record in recorder.iterations if record.vu == vu]
        assert [sample.iteration for sample in samples] == list(range(len(records)))
        assert [record.iteration for record in records] == list(range(len(records)))
        for record, sample in zip(records, samples, strict=True):
            assert record.intended_us == sample.intended_us <= record.started_us
            assert record.started_us <= sample.started_us < sample.ended_us <= record.ended_us


@pytest.mark.parametrize(
    "plan",
    [
        {"executor": "shared-iterations", "vus": 2, "iterations": 200},
        {"executor": "per-vu-iterations", "vus": 2, "iterations": 100},
    ],
)
def test_a_quota_of_selects_is_run_to_the_last_one(dsn: str, plan: dict[str, object]) -> None:
    recorder = driven(SelectUsers(), {"run": "r1"}, dsn, plan=plan)

    assert outcomes(recorder.samples) == {("ok", ""): 200}
    assert len(recorder.iterations) == 200
    for vu in (1, 2):
        records = [record for record in recorder.iterations if record.vu == vu]
        samples = [sample for sample in recorder.samples if sample.vu == vu]
        assert [record.iteration for record in records] == list(range(len(records)))
        assert [sample.iteration for sample in samples] == list(range(len(records)))
        if plan["executor"] == "per-vu-iterations":
            assert len(records) == 100


def test_looping_users_whose_sessions_end_fail_once_and_connect_again(
    dsn: str, tmp_path: Path
) -> None:
    ids = list(seed(dsn, seed=1, run="r1", count=10).ids)
    parameters = {"ids_file": ids_file(tmp_path, ids), "run": "r1"}

    # The administrator is connected already: on a busy machine it takes longer than the load.
    with psycopg.connect(dsn, autocommit=True) as administrator:
        recorder = driven(
            UpdateUsers(),
            parameters,
            dsn,
            seconds=2.5,
            meanwhile=lambda: administrator.execute(END_SESSIONS.encode()),
        )

    for vu in (1, 2):
        found = [sample.outcome.value for sample in recorder.samples if sample.vu == vu]
        assert found.count("failed") == 1
        at = found.index("failed")
        assert 0 < at < len(found) - 1


def test_two_runs_with_one_seed_delete_the_same_users(dsn: str, run: Run, tmp_path: Path) -> None:
    ids = list(seed(dsn, seed=1, run="r1", count=50).ids)
    dealt = [split_ids(ids, {"deletes": 10, "reads": 40}, seed=3) for _ in range(2)]
    path = ids_file(tmp_path, dealt[0]["deletes"])

    async def body() -> None:
        async with opened(
            DeleteUsers(), {"ids_file": path, "run": "r1"}, secrets=secrets(dsn), vus=2
        ) as bench:
            await bench.iterate(5, vus=2)
            await bench.iterate(1)  # the ids are used up: nothing is left to delete

        assert outcomes(bench.samples) == {("ok", ""): 10, ("failed", "no_row"): 1}
        assert sum(sample.records for sample in bench.samples) == 10

    run(body())
    deleted = {
        row[0] for row in ask(dsn, "select id::text from users where deleted_at is not null")
    }
    assert deleted == set(dealt[1]["deletes"])
    assert not deleted & set(dealt[1]["reads"])


@pytest.mark.parametrize("workload", [SelectUsers, InsertUsers, CopyUsers])
def test_ended_sessions_are_failed_samples_and_the_load_reconnects(
    dsn: str, run: Run, workload: Callable[[], Workload]
) -> None:
    async def body() -> None:
        parameters = {"run": "r1", "batch": 1}
        async with opened(workload(), parameters, secrets=secrets(dsn), vus=2) as bench:
            await bench.iterate(1, vus=2)
            ended = await asyncio.to_thread(end_sessions, dsn)
            await asyncio.sleep(0.2)
            for number in range(1, 4):
                await asyncio.gather(
                    *(bench.workload.iterate(bench.iteration(vu, number)) for vu in (1, 2))
                )

        assert ended == 2
        counts = outcomes(bench.samples)
        # A connection that is seen to be closed is replaced first; one that is not, fails once.
        assert counts.pop(("ok", "")) >= 6
        assert set(counts) <= {("failed", "57P01"), ("failed", "OperationalError")}

    run(body())


def test_a_statement_that_the_server_ends_carries_its_sqlstate(
    dsn: str, run: Run, tmp_path: Path
) -> None:
    seed(dsn, seed=1, run="r1", count=10)

    async def body() -> None:
        async with blocked_update(dsn, tmp_path) as bench:
            waiting = asyncio.create_task(bench.iterate(1))
            await asyncio.sleep(0.2)
            await asyncio.to_thread(end_sessions, dsn)
            await waiting
            # 57P01: admin_shutdown, PostgreSQL's appendix A
            assert outcomes(bench.samples) == {("failed", "57P01"): 1}

    run(body())


def test_a_cancelled_iteration_is_recorded_as_interrupted(
    dsn: str, run: Run, tmp_path: Path
) -> None:
    seed(dsn, seed=1, run="r1", count=10)

    async def body() -> None:
        async with blocked_update(dsn, tmp_path) as bench:
            waiting = asyncio.create_task(bench.iterate(1))
            await asyncio.sleep(0.2)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            assert outcomes(bench.samples) == {("interrupted", ""): 1}
            assert bench.samples[0].ended_us - bench.samples[0].started_us >= 150_000

    run(body())


def test_an_answer_ends_when_it_is_there_not_when_a_busy_worker_comes_to_it(
    dsn: str, run: Run
) -> None:
    async def body() -> None:
        async with opened(SelectUsers(), {}, secrets=secrets(dsn), vus=2) as bench:
            await bench.iterate(1, vus=2)

            async def ask_and_work(vu: int) -> None:
                await bench.workload.iterate(bench.iteration(vu, 1))
                time.sleep(0.4)  # noqa: ASYNC251 - as another virtual user's work does

            both = [asyncio.create_task(ask_and_work(vu)) for vu in (1, 2)]
            await asyncio.sleep(0)  # both have sent their statement
            time.sleep(0.4)  # noqa: ASYNC251 - both answers arrive meanwhile
            await asyncio.gather(*both)

        first, second = bench.samples[2:]
        assert first.ended_us - first.started_us >= 400_000
        assert second.ended_us - first.ended_us < 200_000

    run(body())


def test_close_leaves_no_connection_behind(dsn: str, run: Run) -> None:
    async def body() -> None:
        async with opened(SelectUsers(), {}, secrets=secrets(dsn), vus=4) as bench:
            await bench.iterate(2, vus=4)

    run(body())
    left = "select count(*) from pg_stat_activity where application_name = 'perf_pipeline load'"
    deadline = time.monotonic() + 5
    while ask(dsn, left) != [(0,)]:
        assert time.monotonic() < deadline
        time.sleep(0.05)


@asynccontextmanager
async def blocked_update(dsn: str, folder: Path) -> AsyncIterator[Bench]:
    """Open UpdateUsers on users whose rows another session has locked."""
    locker = await psycopg.AsyncConnection.connect(dsn)
    try:
        rows = await (await locker.execute("select id::text from users for update")).fetchall()
        parameters = {"ids_file": ids_file(folder, [row[0] for row in rows])}
        async with opened(UpdateUsers(), parameters, secrets=secrets(dsn)) as bench:
            yield bench
    finally:
        await locker.close()
