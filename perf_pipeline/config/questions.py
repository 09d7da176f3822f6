"""The question of a profile: which thresholds answer it, and which mistakes it has.

Add here: another rule about the question. Keep out: the answer (report/answer.py).
"""

from collections.abc import Iterator

from perf_pipeline.benchmarks.registry import DAY
from perf_pipeline.config.profile import Profile
from perf_pipeline.metrics.naming import metric_key, written_filter
from perf_pipeline.metrics.threshold_grammar import parse_key
from perf_pipeline.spelling import meant


def asks_for_a_million(profile: Profile) -> bool:
    """Say whether a profile asks for 1,000,000 messages a day, because it has no other question."""
    day = profile.benchmarks.get(DAY.name)
    return profile.question is None and day is not None and day.enabled


def answering(profile: Profile) -> tuple[tuple[str, str], ...]:
    """Return benchmark and key of each threshold that the question names; empty if it means all."""
    asked = profile.question.thresholds if profile.question else {}
    return tuple((benchmark, _plain(key)) for benchmark, keys in asked.items() for key in keys)


def _plain(key: str) -> str:
    """Write a key as verdicts do, without its author's blanks and quotes."""
    metric, tags = parse_key(key)
    return metric_key(metric, written_filter(tags))


def question_mistakes(profile: Profile) -> Iterator[str]:
    """Find benchmarks and thresholds that the question names and the profile lacks."""
    for benchmark, keys in (profile.question.thresholds if profile.question else {}).items():
        path = f"question.thresholds.{benchmark}"
        config = profile.benchmarks.get(benchmark)
        if config is None:
            yield f"{path} is not a benchmark of this profile{meant(benchmark, profile.benchmarks)}"
            continue
        written = [*config.thresholds, *(threshold.key for threshold in config.all_thresholds())]
        if not keys:
            yield f"{path} is empty; name the thresholds that answer the question"
        for key in keys:
            if key not in written:
                yield (
                    f"{path} names {key!r}, and {benchmark} has no threshold of that key"
                    f"{meant(key, written)}"
                )
