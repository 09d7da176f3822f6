"""The record of a benchmark that only a profile defines, with its author's requests, SQL or code.

Add here: something that holds for all such benchmarks. Keep out: shipped benchmarks, which have
their own files.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from perf_pipeline.benchmarks.database_benchmark import records_per_s
from perf_pipeline.benchmarks.evidence import Evidence, messages_delivered
from perf_pipeline.benchmarks.queue_consume import consume_rates
from perf_pipeline.benchmarks.queue_produce import produce_rates
from perf_pipeline.benchmarks.record import Benchmark
from perf_pipeline.metrics.sample import Figure

OWN_GROUP: Final = "own"
"""The group in Dagster of a benchmark whose profile names none."""
_STATEMENTS: Final = "postgres"
_PRODUCED: Final = ("produce", "transaction")
_CONSUMED: Final = "consume"


def own_figures(evidence: Evidence) -> Iterator[Figure]:
    """Yield the figures of statements and own messages, and what happened to promised messages."""
    statements = tuple(span for span in evidence.spans if span.protocol == _STATEMENTS)
    yield from records_per_s(replace(evidence, spans=statements))
    produced = tuple(span for span in evidence.spans if span.operation in _PRODUCED)
    yield from produce_rates(replace(evidence, spans=produced))
    consumed = tuple(span for span in evidence.spans if span.operation == _CONSUMED)
    # Figures of messages by id are yielded once, below.
    yield from consume_rates(replace(evidence, spans=consumed, ledger=None))
    yield from messages_delivered(evidence)


def own_benchmark(
    name: str,
    *,
    after: str = "",
    group: str = OWN_GROUP,
    description: str = "",
    kinds: frozenset[str] = frozenset({"http"}),
) -> Benchmark:
    """Make the record of a benchmark that only a profile defines.

    Args:
        name: in the profile.
        after: the benchmark that it comes after.
        group: where Dagster shows it.
        description: the author's words.
        kinds: the kinds of systems that it talks to.
    """
    return Benchmark(
        name=name,
        group=group,
        kinds=kinds,
        summary=f"Run the scenarios that your own profile calls {name}.",
        description=description
        or (
            "The profile's author wrote its scenarios as HTTP steps, SQL, messages or Python code; "
            "the profile's thresholds are its promises."
        ),
        after=after,
        figures=own_figures,
        takes_own_scenarios=True,
    )
