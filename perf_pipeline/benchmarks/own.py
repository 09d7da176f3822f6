"""The record of a benchmark that only a profile names: requests or Python code of its author's.

Add here: what holds for all of them. Keep out: one that is shipped (a file of its own).
"""

from typing import Final

from perf_pipeline.benchmarks.record import Benchmark, Part

OWN_GROUP: Final = "own"
"""The group in Dagster of a benchmark whose profile names none."""


def own_benchmark(
    name: str, *, after: str = "", group: str = OWN_GROUP, description: str = ""
) -> Benchmark:
    """Make the record of a benchmark that only a profile defines.

    Args:
        name: in the profile.
        after: the benchmark that it comes after.
        group: where Dagster shows it.
        description: the author's words.
    """
    return Benchmark(
        name=name,
        group=group,
        kinds=frozenset({"http"}),
        summary=f"Run the scenarios that your own profile calls {name}.",
        description=description
        or (
            "The profile's author wrote its scenarios as HTTP steps or Python code; the profile's "
            "thresholds are its promises."
        ),
        after=after,
        needs=frozenset({Part.API}),
        takes_own_scenarios=True,
    )
