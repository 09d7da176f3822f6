"""Make a draft pass the check of profiles: what a profile refuses becomes a sentence in it.

Nobody can foresee all that strangers' descriptions and recordings hold; the check of profiles
knows what can be run, and is asked.
Add here: another part that can be left out alone. Keep out: reading sources.
"""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from perf_pipeline.config.loading import load_profile, validate_profile
from perf_pipeline.config.profile import Profile
from perf_pipeline.errors import ProfileError, RequestError
from perf_pipeline.new_project.draft import Draft, DraftBenchmark, DraftStep

_STEP: Final = re.compile(r"benchmarks\.([a-z0-9_]+)\.scenarios\.\S+?\.steps\[(\d+)\]")
_MOST_ROUNDS: Final = 50
_PLACEHOLDER: Final = "x"


def fitted(draft: Draft) -> Draft:
    """Return the draft without steps that a profile refuses, which are named under `left_out`.

    Raises:
        RequestError: nothing is left that could be loaded.
        ProfileError: the refused part is not a step.
    """
    for _ in range(_MOST_ROUNDS):
        draft = _without_empty(draft)
        try:
            validate_profile(_as_file(draft), f"{draft.name}.toml")
        except ProfileError as error:
            wrong = dict(reversed([*_wrong_steps(error.problems)]))  # the first reason of each
            if not wrong:
                raise
            draft = _without(draft, wrong)
        else:
            return draft
    raise RequestError(f"{draft.origin} has too many requests that can't be taken over")


def checked(path: Path, draft: Draft) -> Profile:
    """Check the written profile of a draft as a run would, as if its secrets were set.

    Raises:
        ProfileError: it has a mistake, which is ours.
    """
    stand_ins = {secret.name: _PLACEHOLDER for secret in draft.secrets}
    environment = {**stand_ins, **os.environ}
    everything = [benchmark.name for benchmark in draft.benchmarks]
    return load_profile(str(path), environment=environment, only=everything)


def _as_file(draft: Draft) -> dict[str, Any]:
    """Return the profile without the parts that exist only once its files are written."""
    benchmarks = {
        name: table
        for name, table in draft.table["benchmarks"].items()
        if all(":" not in scenario["exec"] for scenario in table["scenarios"].values())
    }
    return {**draft.table, "benchmarks": benchmarks}


def _wrong_steps(problems: Sequence[str]) -> Iterator[tuple[tuple[str, int], str]]:
    for problem in problems:
        if found := _STEP.search(problem):
            yield (found[1], int(found[2])), problem[found.end() :].lstrip(".: ")


def _without(draft: Draft, wrong: dict[tuple[str, int], str]) -> Draft:
    left_out = list(draft.left_out)
    benchmarks = []
    for benchmark in draft.benchmarks:
        kept = []
        for number, step in enumerate(benchmark.steps):
            why = wrong.get((benchmark.name, number))
            if why is None:
                kept.append(step)
            else:
                left_out.append(f"{request_of(step)}: {why}")
        benchmarks.append(replace(benchmark, steps=tuple(kept)))
    return replace(draft, benchmarks=tuple(benchmarks), left_out=tuple(left_out))


def _without_empty(draft: Draft) -> Draft:
    kept = tuple(
        benchmark for benchmark in draft.benchmarks if benchmark.steps or _needs_no_steps(benchmark)
    )
    if not any(benchmark.enabled for benchmark in kept):
        if not kept:
            why = draft.left_out[0] if draft.left_out else "it names no request"
            raise RequestError(
                f"there is nothing to load in {draft.origin}: {why}",
                hint="give another source, or --url alone, which begins with one GET",
            )
        # Somebody has to decide to send what changes data, and a profile has to load something.
        kept = (replace(kept[0], enabled=True), *kept[1:])
    return replace(draft, benchmarks=kept)


def _needs_no_steps(benchmark: DraftBenchmark) -> bool:
    return benchmark.exec != "http_steps" and ":" not in benchmark.exec


def request_of(step: DraftStep) -> str:
    """Name the request of a step for a sentence."""
    return f"{step.method} {step.path}"
