"""Processes come and go between two looks: what the family used is neither lost nor doubled."""

import pytest

from perf_pipeline.probes.process_counts import (
    Counts,
    cpu_growth_s,
    io_growth_bytes,
    resident_bytes,
)

ROOT, CHILD, GRANDCHILD = 10, 11, 12


def counts(
    parent: int = 1,
    own: float = 0.0,
    reaped: float = 0.0,
    io_bytes: int | None = 0,
    born: float = 0.0,
    resident: int = 0,
    shared: int = 0,
) -> Counts:
    return Counts(parent, born, own, reaped, io_bytes, resident, shared)


CPU_CASES = [
    pytest.param(
        {ROOT: counts(own=5.0)}, {ROOT: counts(own=5.5)}, {ROOT}, 0.5, id="one process worked"
    ),
    pytest.param(
        {ROOT: counts(own=1.0)},
        {ROOT: counts(own=1.0), CHILD: counts(ROOT, own=0.25)},
        {ROOT},
        0.25,
        id="a child born since counts with all of its time",
    ),
    pytest.param(
        {ROOT: counts(own=1.0)},
        {ROOT: counts(own=1.0, reaped=0.25)},
        {ROOT},
        0.25,
        id="a child that lived and died in between counts at its parent",
    ),
    pytest.param(
        # 3.0 s were counted already; it used 0.25 s more and died: the parent inherits 3.25 s.
        {ROOT: counts(), CHILD: counts(ROOT, own=3.0)},
        {ROOT: counts(reaped=3.25)},
        {ROOT, CHILD},
        0.25,
        id="a child that died is not counted twice",
    ),
    pytest.param(
        # The grandchild's 1.0 s go to the child, and with the child's 2.0 s to the root.
        {ROOT: counts(), CHILD: counts(ROOT, own=2.0), GRANDCHILD: counts(CHILD, own=1.0)},
        {ROOT: counts(reaped=3.5)},
        {ROOT, CHILD, GRANDCHILD},
        0.5,
        id="two generations died",
    ),
    pytest.param(
        {ROOT: counts(own=1.0), CHILD: counts(ROOT, own=3.0)},
        {ROOT: counts(own=1.5)},
        {ROOT, CHILD},
        0.5,
        id="a dead child that its parent never waited for takes nothing away",
    ),
    pytest.param(
        {ROOT: counts(own=9.0)}, {}, {ROOT}, 0.0, id="the whole family died: never below zero"
    ),
    pytest.param(
        {}, {ROOT: counts(own=9.0)}, {ROOT}, 0.0, id="an old process that joined starts at zero"
    ),
    pytest.param(
        {ROOT: counts(own=9.0, born=1.0)},
        {ROOT: counts(own=0.5, born=2.0)},
        set(),
        0.5,
        id="a recycled pid is another process",
    ),
]


@pytest.mark.parametrize(("before", "now", "known", "expected"), CPU_CASES)
def test_cpu_growth_of_a_family(
    before: dict[int, Counts], now: dict[int, Counts], known: set[int], expected: float
) -> None:
    assert cpu_growth_s(before, now, frozenset(known)) == pytest.approx(expected)


def test_bytes_of_a_dead_child_are_counted_once() -> None:
    before = {ROOT: counts(io_bytes=100), CHILD: counts(ROOT, io_bytes=1_000)}
    # Linux adds the dead child's 1,200 bytes to its parent, which wrote 50 itself.
    now = {ROOT: counts(io_bytes=100 + 1_200 + 50)}

    assert io_growth_bytes(before, now, frozenset({ROOT, CHILD})) == 250


def test_bytes_are_unknown_when_one_process_does_not_tell() -> None:
    now = {ROOT: counts(io_bytes=100), CHILD: counts(ROOT, io_bytes=None)}

    assert io_growth_bytes(now, now, frozenset(now)) is None


def test_shared_pages_are_counted_once() -> None:
    family = {
        ROOT: counts(resident=100, shared=80),
        CHILD: counts(ROOT, resident=130, shared=90),
    }

    assert resident_bytes(family) == 20 + 40 + 90


def test_no_process_has_no_memory() -> None:
    assert resident_bytes({}) == 0
