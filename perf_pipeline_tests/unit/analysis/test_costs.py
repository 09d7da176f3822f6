"""The largest costs of a tier, and which of them are new; every figure is worked out by hand."""

from dataclasses import replace

import pytest

from perf_pipeline.analysis.costs import told, top_costs
from perf_pipeline.metrics.cost import Cost
from perf_pipeline.probes.postgres_costs import without_values


def wait(name: str, seconds: float) -> Cost:
    return Cost("database", "wait", name, seconds, 0)


def statement(name: str, seconds: float, calls: int) -> Cost:
    return Cost("database", "statement", name, seconds, calls)


def test_the_three_largest_of_each_kind_have_their_share_of_all() -> None:
    # 6 + 2 + 1 + 0.5 + 0.5 = 10 s of waiting, and 4 s of statements.
    waits = [wait(name, s) for name, s in zip("abcde", (1.0, 6.0, 0.5, 2.0, 0.5), strict=True)]

    found = top_costs([*waits, statement("select ?", 4.0, 1200)])

    assert [(top.cost.name, top.share) for top in found] == [
        ("b", 0.6),
        ("d", 0.2),
        ("a", 0.1),
        ("select ?", 1.0),
    ]
    assert [*told(found)] == [
        "its sessions' time went into: b (60 %, 6.0 s), d (20 %, 2.0 s), a (10 %, 1.0 s)",
        "its statements that took longest: select ? (100 %, 4.0 s, 1,200 calls)",
    ]


def test_functions_have_their_share_of_their_own_tier() -> None:
    api, worker = (Cost(tier, "function", "read (a.py:1)", 2.0, 0) for tier in ("api", "worker"))
    earlier = [[Cost("worker", "function", "read (a.py:1)", 0.5, 0)]]

    found = top_costs([api, worker], earlier)

    # Each is all of its tier's time; 0.5 s before is that of the worker.
    assert [(top.cost.tier, top.share, top.before_s) for top in found] == [
        ("api", 1.0, None),
        ("worker", 1.0, 0.5),
    ]
    assert [*told(found[1:])] == [
        "its Python functions that took longest: read (a.py:1) (100 %, 2.0 s, 0.5 s before, grown)"
    ]


def test_a_tier_that_no_earlier_run_looked_into_has_not_grown() -> None:
    # Its broker had no agent before, and one run had one.
    earlier = [[wait("CPU", 1.0)], [wait("CPU", 2.0)]]
    produced = Cost("queue", "request", "Produce in the broker", 5.0, 1_000)

    (top,) = top_costs([produced], earlier)
    (beside_one,) = top_costs([produced], [*earlier, [replace(produced, value=4.0)]])

    assert (top.before_s, top.has_grown) == (None, False)
    assert (beside_one.before_s, beside_one.has_grown) == (4.0, False)


def test_a_cost_is_compared_with_its_median_over_earlier_runs() -> None:
    # The run that did not have it counts as 0: the median of 0, 1 and 9 is 1.
    earlier = [[wait("x", 9.0)], [wait("y", 3.0)], [wait("x", 1.0)]]

    (top,) = top_costs([wait("x", 2.0)], earlier)

    assert top.before_s == 1.0
    assert top.has_grown
    assert str(top) == "x (100 %, 2.0 s, 1.0 s before, grown)"


@pytest.mark.parametrize(
    ("now_s", "before_s", "grown"),
    [(1.9, 1.0, False), (2.0, 1.0, True), (0.6, 0.2, False), (0.5, 0.0, True), (0.4, 0.0, False)],
)
def test_a_cost_has_grown_when_it_is_twice_what_it_was_by_half_a_second(
    now_s: float, before_s: float, grown: bool
) -> None:
    (top,) = top_costs([wait("x", now_s)], [[wait("x", before_s)]])

    assert top.has_grown is grown


def test_what_took_less_than_a_tenth_of_a_second_is_not_told() -> None:
    assert top_costs([wait("x", 0.09)]) == []
    assert [*told([])] == []


@pytest.mark.parametrize(
    ("query", "plain"),
    [
        ("SELECT  1", "SELECT ?"),
        ("select *\n  from t\twhere a = 'it''s; -- no'", "select * from t where a = ?"),
        ("select $1::int, t2.c3 from t2", "select ?::int, t2.c3 from t2"),
        ("select * from t where id in ($1,$2, $3)", "select * from t where id in (?, ...)"),
        ("insert into t values (1, 'a'), (2, 'b')", "insert into t values (?, ...), ..."),
        ("select 1.5e-3 /* by: alice */ -- end", "select ?"),
        ("update t set n = n-1", "update t set n = n-?"),
    ],
)
def test_statements_that_differ_in_their_values_alone_look_equal(query: str, plain: str) -> None:
    assert without_values(query) == plain


def test_a_long_statement_is_cut() -> None:
    assert without_values(f"select {'a, ' * 100}b") == f"select {'a, ' * 100}b"[:196] + " ..."
