"""The record of a benchmark: everything that the rest of the package needs to know about it.

All code asks the record of a benchmark and never compares its name. Add here: a fact that every
benchmark has, with its value in each record. Keep out: the values (one file for each benchmark) and
how they are carried out (preparing, watching, judging).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from perf_pipeline.benchmarks.evidence import Evidence, no_figures
from perf_pipeline.metrics.sample import Figure

TARGET_PER_DAY: Final = 1_000_000
"""Messages a day that the system is asked to carry."""


class Part(StrEnum):
    """Name a part of the system under test."""

    API = "api"
    POSTGRES = "postgres"
    BROKERS = "brokers"
    REDIS = "redis"


class BeforeLoad(StrEnum):
    """Name what is prepared once, before a benchmark's first step.

    Attributes:
        SEEDED_USERS: users in the database, unless the run has them already.
        CONSUMER_POSITION: topics, and the position of the consumer before the first message.
        KEPT_POSITION: the same, unless an earlier benchmark of the run has fixed the position: then
            a backlog waits there.
    """

    SEEDED_USERS = "seeded users"
    CONSUMER_POSITION = "the consumer's position"
    KEPT_POSITION = "the consumer's position, where it is not fixed yet"


class BeforeStep(StrEnum):
    """Name what is prepared before each step whose iterations need it.

    Attributes:
        BIRTHDAY_INDEX: the index on month and day, which exists for a step with it and is dropped
            for a step without it.
        BACKLOG: as many waiting messages as the step consumes.
    """

    BIRTHDAY_INDEX = "the birthday index"
    BACKLOG = "a backlog"


class AfterLoad(StrEnum):
    """Name what is cleaned up after a benchmark, however it ended.

    Attributes:
        BIRTHDAY_INDEX: the index is dropped.
    """

    BIRTHDAY_INDEX = "the birthday index"


class Lag(StrEnum):
    """Say whose consumer lag is watched: the system's, that of the own group, or none."""

    SYSTEM = "system"
    OWN = "own"
    NOBODY = "nobody"


class LedgerKind(StrEnum):
    """Say who completes the messages of a benchmark's ledger.

    Attributes:
        NONE: there is no ledger.
        SYSTEM: the workers of the system, which record deliveries in its database.
        OWN_CONSUMER: the benchmark's own consumer, before its time is over.
    """

    NONE = "none"
    SYSTEM = "system"
    OWN_CONSUMER = "own consumer"


@dataclass(frozen=True, slots=True)
class Leading:
    """Name the three metrics that lead a benchmark in reports.

    Attributes:
        latency: a trend, whose p95 is shown.
        throughput: a counter, whose rate is shown.
        errors: a rate.
    """

    latency: str
    throughput: str
    errors: str


OF_HTTP: Final = Leading("http_req_duration", "http_reqs", "http_req_failed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """Hold everything about one benchmark except its numbers.

    Attributes:
        name: its name in profiles, reports, the history and the asset graph.
        group: where Dagster shows it.
        kinds: the kinds of systems that it talks to, as labels for Dagster.
        summary: one sentence; the asset's first line.
        description: what else one should know.
        after: the benchmark that it comes after; empty for the first one.
        needs: the parts without which its load does not begin.
        is_optional: whether a run leaves it out, and says so, if a part that it needs is missing;
            otherwise that is an error.
        before_load: what is prepared once.
        before_step: what is prepared before a step whose iterations need it.
        after_load: what is cleaned up.
        lag: whose consumer lag is watched during the load.
        ledger: who completes its messages.
        backlog_of: the benchmark whose messages wait for its consumer; empty for none.
        figures: works out its figures from the evidence; a figure without data is absent and never
            zero.
        leading: the metrics that lead it in reports.
        again_with: benchmarks that are run again before it, because its re-run would otherwise be a
            different load.
        is_saturating: whether it takes all it can get on purpose, so that a limit that it reaches
            is its result and not a bottleneck.
        takes_own_scenarios: whether steps or Python code of a profile may run in it; the figures of
            other benchmarks are worked out from every sample, as rows or messages per second.
        simulates_a_day: whether it answers the question about a million messages a day.
    """

    name: str
    group: str
    kinds: frozenset[str]
    summary: str
    description: str
    after: str
    needs: frozenset[Part] = frozenset()
    is_optional: bool = False
    before_load: tuple[BeforeLoad, ...] = ()
    before_step: tuple[BeforeStep, ...] = tuple(BeforeStep)
    after_load: tuple[AfterLoad, ...] = ()
    lag: Lag = Lag.SYSTEM
    ledger: LedgerKind = LedgerKind.NONE
    backlog_of: str = ""
    figures: Callable[[Evidence], Iterator[Figure]] = no_figures
    leading: Leading = OF_HTTP
    again_with: tuple[str, ...] = ()
    is_saturating: bool = False
    takes_own_scenarios: bool = False
    simulates_a_day: bool = False
