"""Give each threshold of a profile the name of its check.

Add here: another way to name a check. Keep out: judging (judging/).
"""

from collections import Counter
from collections.abc import Iterable, Iterator

from perf_pipeline.config.profile import Profile
from perf_pipeline.metrics.catalog import CATALOG
from perf_pipeline.metrics.threshold import Status, Threshold, Verdict


def thresholds_of(profile: Profile, benchmark: str) -> list[Threshold]:
    """Return the thresholds of a benchmark; none when the profile does not have the benchmark."""
    config = profile.benchmarks.get(benchmark)
    return config.all_thresholds() if config else []


def named_verdicts(verdicts: Iterable[Verdict]) -> Iterator[tuple[str, Verdict]]:
    """Name each verdict by its subject; a second threshold on the same subject gets a number."""
    seen: Counter[str] = Counter()
    for verdict in verdicts:
        subject = verdict.threshold.subject
        seen[subject] += 1
        yield (subject if seen[subject] == 1 else f"{subject}__{seen[subject]}"), verdict


def subjects_of(benchmark: str, profiles: Iterable[Profile]) -> dict[str, str]:
    """Return the name of every check that the profiles have for a benchmark, with a sentence."""
    found: dict[str, str] = {}
    for profile in profiles:
        blank = [
            Verdict(threshold, None, Status.NO_DATA)
            for threshold in thresholds_of(profile, benchmark)
        ]
        for name, verdict in named_verdicts(blank):
            threshold = verdict.threshold
            meaning = CATALOG[threshold.metric].meaning
            found.setdefault(name, f"{threshold.key} {threshold.statistic_label}: {meaning}")
    return found
