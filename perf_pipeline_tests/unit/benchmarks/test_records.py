"""Records of benchmarks: their order, what is asked of each, and that asking is cheap."""

import subprocess
import sys
from dataclasses import fields, replace

import pytest

from perf_pipeline.benchmarks.own import own_benchmark
from perf_pipeline.benchmarks.record import (
    AfterLoad,
    BeforeLoad,
    BeforeStep,
    Benchmark,
    Lag,
    LedgerKind,
)
from perf_pipeline.benchmarks.registry import (
    BENCHMARKS,
    DAY,
    NAMES,
    in_order,
    is_shipped,
    record_of,
)
from perf_pipeline.loading import needs
from perf_pipeline.metrics.catalog import CATALOG, Kind

HEAVY = {"dagster", "duckdb", "psycopg", "confluent_kafka", "redis", "pydantic", "numpy", "httpx"}
A = own_benchmark("a")
B = own_benchmark("b", after="a")
C = own_benchmark("c", after="b")


def names(*records: Benchmark) -> list[str]:
    return [record.name for record in in_order(records)]


def test_records_stand_in_line_whatever_order_they_are_listed_in() -> None:
    assert names(C, A, B) == names(B, C, A) == ["a", "b", "c"]


def test_of_two_that_come_after_the_same_one_the_one_with_fewer_behind_it_goes_first() -> None:
    aside, zealous = own_benchmark("aside", after="a"), own_benchmark("zealous", after="a")

    assert names(B, zealous, C, A, aside) == ["a", "aside", "zealous", "b", "c"]


@pytest.mark.parametrize("after", ["nowhere", "b"], ids=["absent", "itself"])
def test_a_record_without_a_place_in_the_line_is_refused_by_name(after: str) -> None:
    with pytest.raises(ValueError, match=f"no place in the order: b comes after {after}"):
        in_order([A, replace(B, after=after)])


def test_the_shipped_ones_run_from_the_api_inwards_and_then_the_whole_system() -> None:
    groups = list(dict.fromkeys(benchmark.group for benchmark in BENCHMARKS))

    assert [group for group in groups if group in {"api", "database", "queue", "system"}] == [
        "api",
        "database",
        "queue",
        "system",
    ]
    assert BENCHMARKS[-1] is DAY


@pytest.mark.parametrize("record", BENCHMARKS, ids=NAMES)
def test_a_record_names_only_benchmarks_that_run_before_it(record: Benchmark) -> None:
    before = set(NAMES[: NAMES.index(record.name)])

    assert {record.after, record.backlog_of, *record.again_with} - {""} <= before


@pytest.mark.parametrize(
    "record", [*BENCHMARKS, own_benchmark("checkout")], ids=lambda record: record.name
)
def test_a_record_says_what_it_is_in_one_sentence_and_then_more(record: Benchmark) -> None:
    assert record.summary.endswith(".")
    assert "\n" not in record.summary
    assert len(record.description) > len("more than the summary says")


@pytest.mark.parametrize("record", BENCHMARKS, ids=NAMES)
def test_what_leads_a_benchmark_is_a_latency_a_count_and_a_share_of_errors(
    record: Benchmark,
) -> None:
    lead = record.leading

    assert [CATALOG[metric].kind for metric in (lead.latency, lead.throughput, lead.errors)] == [
        Kind.TREND,
        Kind.COUNTER,
        Kind.RATE,
    ]
    assert CATALOG[lead.errors].better == "lower"


def test_a_messages_ledger_and_backlog_are_those_of_the_benchmarks_own_consumer() -> None:
    consuming = [
        benchmark for benchmark in BENCHMARKS if benchmark.ledger is LedgerKind.OWN_CONSUMER
    ]

    assert [benchmark.backlog_of for benchmark in consuming] == [
        benchmark.again_with[0] for benchmark in consuming
    ]
    assert {benchmark.lag for benchmark in consuming} == {Lag.OWN}


def test_a_name_that_only_a_profile_has_gets_the_record_of_an_own_benchmark() -> None:
    own = record_of("checkout")

    assert not is_shipped("checkout")
    assert own.takes_own_scenarios
    assert own.needs == frozenset()  # what it needs follows from its scenarios
    assert own.lag is Lag.SYSTEM
    assert not own.is_saturating
    assert own.after == NAMES[-1]


def test_one_benchmark_answers_the_question_after_a_million_a_day() -> None:
    assert [benchmark for benchmark in BENCHMARKS if benchmark.simulates_a_day] == [DAY]


def test_every_word_of_a_record_is_carried_out() -> None:
    """A record may only ask for what loading knows how to do."""
    assert set(needs.BEFORE_LOAD) == set(BeforeLoad)
    assert set(needs.BEFORE_STEP) == set(BeforeStep)
    assert set(needs.AFTER_LOAD) == set(AfterLoad)
    assert {part for benchmark in BENCHMARKS for part in benchmark.needs} <= set(needs.NEEDED)


def test_records_are_values() -> None:
    assert {field.name for field in fields(Benchmark)} >= {"name", "group", "kinds", "figures"}
    assert not hasattr(DAY, "__dict__")
    assert len(set(BENCHMARKS)) == len(NAMES)


def test_asking_a_record_imports_nothing_heavy() -> None:
    """The command line answers `--help` and `--version` before any library is there."""
    told = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, perf_pipeline.benchmarks.registry; print(*sys.modules)",
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()

    assert "perf_pipeline.benchmarks.registry" in told
    assert {name.partition(".")[0] for name in told} & HEAVY == set()
