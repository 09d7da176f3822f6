"""pgbench's scripts on a real PostgreSQL, beside pgbench itself."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import pytest
import uvloop

from perf_pipeline.config.pgbench.expressions import parse_expression
from perf_pipeline.errors import TargetUnavailableError
from perf_pipeline.metrics.sample import Outcome
from perf_pipeline.workloads.postgres.own_script import OwnScript
from perf_pipeline.workloads.postgres.script_values import ScriptState, as_sql, evaluator
from perf_pipeline_tests.support.commands.pgbench import run_pgbench
from perf_pipeline_tests.support.loads.own_sql import accounts, ask, given, told
from perf_pipeline_tests.support.loads.workload_bench import Bench, opened

# A branch of pgbench's tables, with the columns and names of its documentation.
TABLES = """
create table pgbench_branches (bid int primary key, bbalance int, filler char(88));
create table pgbench_tellers (tid int primary key, bid int, tbalance int, filler char(84));
create table pgbench_accounts (aid int primary key, bid int, abalance int, filler char(84));
create table pgbench_history (tid int, bid int, aid int, delta int, mtime timestamp,
    filler char(22));
insert into pgbench_branches values (1, 0);
insert into pgbench_tellers select n, 1, 0 from generate_series(1, 10) as n;
insert into pgbench_accounts select n, 1, 0 from generate_series(1, 100000) as n;
"""
# pgbench prints `debug(script=0,command=1): int 3` for each.
EXPRESSIONS = (
    "7/2", "-7/2", "-7 % 3", "7.0/2", "1+2*3-4", "2*(3+4)", "1 << 5 | 3", "5 # 3", "~5", "-5 - -3",
    "abs(-7)", "abs(-7.5)", "int(5.4+3.8)", "int(2.5)", "int(3.5)", "double(5432)", "sqrt(2)",
    "exp(1)", "ln(2.0)", "pi()", "pow(2,10)", "power(2.0,0.5)", "greatest(5,4,3.0)", "least(5,4)",
    "mod(54,32)", "hash(5,7)", "hash_fnv1a(10,5432)", "hash_murmur2(10,5432)", "hash(-1,0)",
    "hash_fnv1a(-1,0)", "permute(0,4,0)", "permute(777,1000,5432)", "permute(5,1,3)",
    "permute(9223372036854775806,9223372036854775807,99)", "permute(123456,1000000007,-5)",
    "case when 1 > 2 then 1 when null then 2 else 3 end", "case when 2 then 5 end", "not true",
    "true and null", "false and null", "null or true", "null and false", "null is null",
    "1 isnull", "2 notnull", "true is not false", "3 = 3.0", "3 <> 4", "not 1 = 2",
    "1 - 2 < 0 and 2 >= 2", "-9223372036854775808", "-8 >> 1", "1.5e3 + 1", "- 2 * 3",
    "2 + 3 << 1", "1 | 2 + 4", "-(-3)", "100 / 10 / 2", "1 + null",
)  # fmt: skip


@pytest.fixture(scope="module")
def dsn(postgres_dsn: str) -> Iterator[str]:
    with accounts(postgres_dsn, "test_own_script") as own:
        ask(own, TABLES)
        yield own


def pgbench(dsn: str, folder: Path, script: str, *options: str) -> str:
    """Run a script with pgbench itself, and give what it tells."""
    return run_pgbench(dsn, "-n", "-f", str(folder / write(folder, "s.sql", script)), *options)


def run(
    dsn: str, folder: Path, *scripts: str, iterations: int = 1, vus: int = 1, **more: Any
) -> Bench:
    async def main() -> Bench:
        parameters = given("pgbench", {"scripts": list(scripts), **more}, folder=str(folder))
        secrets = {"postgres_dsn": dsn}
        async with opened(OwnScript(), parameters, secrets=secrets, vus=vus) as bench:
            await bench.iterate(iterations, vus)
            return bench

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main())


def write(folder: Path, name: str, script: str) -> str:
    (folder / name).write_text(script, encoding="utf-8")
    return name


def test_expressions_are_worth_what_pgbench_says(dsn: str, tmp_path: Path) -> None:
    script = "".join(f"\\set v{n} debug({text})\n" for n, text in enumerate(EXPRESSIONS))
    lines = pgbench(dsn, tmp_path, f"{script}select 1;\n", "-t", "1").splitlines()
    expected = [line.split("): ")[1] for line in lines if line.startswith("debug(")]
    words = {type(None): "null", bool: "boolean", int: "int", float: "double"}

    found = []
    for text in EXPRESSIONS:
        value = evaluator(parse_expression(text), {})(ScriptState())
        found.append(words[type(value)] + ("" if value is None else f" {as_sql(value).decode()}"))

    assert found == expected


@pytest.mark.parametrize(
    "call",
    ["random(1, 5)", "random_zipfian(1, 5, 1.2)", "random_gaussian(1, 5, 2.5)",
     "random_exponential(1, 5, 2.0)"],
)  # fmt: skip
def test_random_values_come_as_often_as_those_of_pgbench(
    dsn: str, tmp_path: Path, call: str
) -> None:
    """Two samples of one distribution: each share differs by chance only, here by 5 sigma."""
    count = 6_000
    ask(dsn, "drop table if exists drawn; create table drawn (n int)")
    several = "".join(f"\\set n{i} {call}\n" for i in range(100))
    insert = "insert into drawn values " + ", ".join(f"(:n{i})" for i in range(100))
    pgbench(dsn, tmp_path, f"{several}{insert};\n", "-t", str(count // 100))
    theirs = Counter(n for (n,) in ask(dsn, "select n from drawn"))
    state = ScriptState({}, Random(7))
    evaluate = evaluator(parse_expression(call), {})
    ours = Counter(evaluate(state) for _ in range(count))

    assert sum(theirs.values()) == count
    assert set(ours) == {1, 2, 3, 4, 5}
    for n in range(1, 6):
        share = (theirs[n] + ours[n]) / (2 * count)
        sigma = (share * (1 - share) * 2 / count) ** 0.5
        assert abs(theirs[n] - ours[n]) / count < 5 * sigma, (n, theirs, ours)


@pytest.mark.parametrize("protocol", ["simple", "extended", "prepared"])
def test_the_built_in_script_keeps_the_books(dsn: str, tmp_path: Path, protocol: str) -> None:
    ask(dsn, "truncate pgbench_history")
    ask(dsn, "update pgbench_branches set bbalance = 0; update pgbench_tellers set tbalance = 0")
    ask(dsn, "update pgbench_accounts set abalance = 0 where abalance <> 0")

    bench = run(dsn, tmp_path, "tpcb-like", iterations=5, vus=2, protocol=protocol)

    whole = [sample for sample in bench.samples if sample.protocol == "postgres_transaction"]
    assert [(sample.operation, sample.outcome) for sample in whole] == [
        ("tpcb-like", Outcome.OK)
    ] * 10
    assert len(bench.samples) == 10 * 8
    # TPC-B, 4: the branches, the tellers, the accounts and the history have the same sum.
    sums = ask(
        dsn,
        "select (select sum(bbalance) from pgbench_branches), "
        "(select sum(tbalance) from pgbench_tellers), (select sum(abalance) from pgbench_accounts),"
        " (select sum(delta) from pgbench_history), (select count(*) from pgbench_history)",
    )
    assert len(set(sums[0][:4])) == 1
    assert sums[0][4] == 10
    assert ask(dsn, "select count(distinct aid) > 8 from pgbench_history") == [(True,)]


SPENT = r"""\set n :n + 1
\if :n % 2 = 0
select balance as b, owner from accounts where id = :client_id + 1 \gset was_
update accounts set balance = :was_b - 1, owner = ':was_owner' where id = :client_id + 1;
\else
\sleep 30 ms
select pg_sleep(0);
\endif
"""


def test_variables_last_and_branches_are_taken_as_the_script_says(dsn: str, tmp_path: Path) -> None:
    write(tmp_path, "spend.sql", SPENT)
    ask(dsn, "update accounts set balance = 100, owner = 'it''s ' || id where id <= 2")
    ask(dsn, "update accounts set owner = 'o' || id where id <= 2")

    bench = run(dsn, tmp_path, "spend.sql", iterations=4, vus=2, variables={"n": 1})

    assert ask(dsn, "select balance, owner from accounts where id <= 2 order by id") == [
        (98, "o1"),
        (98, "o2"),
    ]
    names = [sample.operation for sample in bench.samples if sample.vu == 1]
    even = ["spend::1 select balance as", "spend::2 update accounts set", "spend"]
    assert names == [*even, "spend::3 select pg_sleep 0", "spend"] * 2
    slept = [sample for sample in bench.samples if "pg_sleep" in sample.operation]
    assert all(sample.intended_us - whole_intended(bench, sample) >= 30_000 for sample in slept)


def whole_intended(bench: Bench, part: Any) -> int:
    (whole,) = (
        sample
        for sample in bench.samples
        if sample.operation == "spend"
        and (sample.vu, sample.iteration) == (part.vu, part.iteration)
    )
    return whole.intended_us


def test_scripts_are_chosen_by_their_weights(dsn: str, tmp_path: Path) -> None:
    write(tmp_path, "a.sql", "select 1;")
    write(tmp_path, "b.sql", "select 2;")

    bench = run(dsn, tmp_path, "a.sql@3", "b.sql", iterations=400)

    chosen = Counter(sample.operation for sample in bench.samples)
    # Binomial, 400 draws of 3/4: 300 with sigma 8.7; the seed is fixed.
    assert 255 < chosen["a"] < 345
    assert chosen["a"] + chosen["b"] == 400


def test_what_a_script_does_wrong_is_told_with_its_line(dsn: str, tmp_path: Path) -> None:
    write(tmp_path, "zero.sql", "select 0 as n \\gset\n\\set x 1 / :n\nselect :x;")
    write(tmp_path, "none.sql", "begin;\nselect 1 as n where false \\gset\ncommit;")
    write(tmp_path, "open.sql", "begin;\nselect 1;")

    zero, none, left_open = (
        run(dsn, tmp_path, name) for name in ("zero.sql", "none.sql", "open.sql")
    )

    assert told(zero.samples)[-1] == ("zero", "failed", "expression")
    assert zero.recorder.notes == ["zero line 2: division by zero"]
    assert told(none.samples)[-2:] == [("none::rollback", "ok", ""), ("none", "failed", "gset")]
    assert told(left_open.samples)[-1] == ("open", "failed", "open_transaction")


def test_a_conflict_begins_the_script_again_with_the_same_values(dsn: str, tmp_path: Path) -> None:
    script = (
        "\\set id random(1, 10)\nbegin isolation level repeatable read;\n"
        "select sum(balance) from accounts;\n\\sleep 500 ms\n"
        "update accounts set balance = balance + 1, owner = ':id' where id = 10;\ncommit;"
    )
    write(tmp_path, "pay.sql", script)
    ask(dsn, "update accounts set balance = 100")

    bench = run(dsn, tmp_path, "pay.sql", vus=2, retries=5)

    # Both have read before one of them writes, so the other one's first update can't be serialised.
    assert ask(dsn, "select balance from accounts where id = 10") == [(102,)]
    conflicts = [sample for sample in bench.samples if sample.error == "40001"]
    assert [(sample.operation, sample.outcome) for sample in conflicts] == [
        ("pay::3 update accounts set", Outcome.OK)
    ]
    assert sorted(told(bench.samples)).count(("pay", "ok", "")) == 2


def test_a_run_that_is_cut_off_in_its_pause_is_recorded_once(dsn: str, tmp_path: Path) -> None:
    async def main() -> Bench:
        own = {"scripts": [write(tmp_path, "one.sql", "select 1;\n")], "thinkTime": "30s"}
        parameters = given("pgbench", own, folder=str(tmp_path))
        async with opened(OwnScript(), parameters, secrets={"postgres_dsn": dsn}) as bench:
            task = asyncio.ensure_future(bench.iterate(1))
            while len(bench.samples) < 2:  # noqa: ASYNC110 - the statement's, and the run's
                await asyncio.sleep(0.01)
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            return bench

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        bench = runner.run(main())

    assert [sample.outcome for sample in bench.samples] == [Outcome.OK, Outcome.OK]


def test_built_in_scripts_without_their_tables_are_told(postgres_dsn: str, tmp_path: Path) -> None:
    with (
        accounts(postgres_dsn, "test_no_branches") as bare,
        pytest.raises(TargetUnavailableError, match="has no table pgbench_branches"),
    ):
        run(bare, tmp_path, "select-only")
