"""Compare any two runs, even of different profiles and environments; this informs and never judges.

Add here: another difference between two runs that a reader must know. Keep out: layout (report/).
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Final

from perf_pipeline.analysis.baseline import Diff, DiffStatus, Series
from perf_pipeline.analysis.environment import changed_facts
from perf_pipeline.analysis.pinned import pair_diff
from perf_pipeline.config.profile import Profile
from perf_pipeline.judging.gaps import gaps_of
from perf_pipeline.judging.ingest import profile_of
from perf_pipeline.judging.machines import CALIBRATION, machine_of
from perf_pipeline.judging.notices import clock_notices
from perf_pipeline.judging.past import Past, read_past
from perf_pipeline.judging.series import MeasuredBenchmark, measured_of, policy_of, series_in
from perf_pipeline.quoting import first_few
from perf_pipeline.report.comparison import by_calibration
from perf_pipeline.report.revisions import revision_rows, revision_text
from perf_pipeline.report.wording import minute
from perf_pipeline.store.records import RunRecord
from perf_pipeline.store.state import State

_MOST_FACTS: Final = 8
_MOST_CHARACTERS: Final = 60
_NOT_LOAD: Final = "thresholds"


@dataclass(frozen=True, slots=True)
class Contrast:
    """Hold two runs side by side.

    Attributes:
        first: the run that the second one is compared with.
        second: the other run.
        notices: what else differs, in one sentence each.
        diffs: (benchmark, diff); the figure of the first run is its `pinned`. SUSPECT and IMPROVED
            depend on the spread of runs like the first one; LEARNING means that there are too few
            of them.
    """

    first: RunRecord
    second: RunRecord
    notices: tuple[str, ...]
    diffs: tuple[tuple[str, Diff], ...]


def contrast(state: State, first: str, second: str) -> Contrast:
    """Compare two stored runs, series by series, for all metrics that both have.

    Raises:
        PerfPipelineError: one of the runs is not in the history.
        StoreBusyError: the history is open elsewhere.
    """
    with state.history() as history:
        ours = {measured.outcome.benchmark: measured for measured in measured_of(history, first)}
        theirs = {measured.outcome.benchmark: measured for measured in measured_of(history, second)}
        profiles = profile_of(history, first), profile_of(history, second)
        runs = history.run(first), history.run(second)
        pairs = [(ours[name], theirs[name]) for name in ours if name in theirs]
        wanted = [(*pair, _wanted(pair[0], profiles)) for pair in pairs]
        likes = (
            (before, single) for before, _, series in wanted for single in (*series, *CALIBRATION)
        )
        past = read_past(history, runs[0], likes).calibrated(before for before, _ in pairs)
        gaps = [*gaps_of(history, state, first), *gaps_of(history, state, second)]
        clocks = [*clock_notices(history, first), *clock_notices(history, second)]
    diffs = [
        (before.outcome.benchmark, diff)
        for before, after, series in wanted
        for diff in _diffs(past, before, after, series, profiles[0])
    ]
    loads = [told for before, after in pairs for told in _loads(before, after)]
    alone = _alone(runs, ours, theirs)
    calibrated = by_calibration(diffs, f"in run {second} than in run {first}")
    machines = [f"{name}: {told}" for name, told in calibrated.items()]
    notices = [*_environments(*runs), *alone, *loads, *machines, *gaps, *dict.fromkeys(clocks)]
    return Contrast(*runs, tuple(notices), tuple(diffs))


def run_text(run: RunRecord) -> str:
    """Describe a run in half a sentence."""
    measured = revision_text(run.revision)
    return (
        f"run {run.run_id} of {minute(run.began_at)} UTC, profile {run.profile}, "
        f"perf_pipeline {run.code_version}{f'; measured {measured}' if measured else ''}"
    )


def _wanted(before: MeasuredBenchmark, profiles: tuple[Profile, Profile]) -> list[Series]:
    wanted = [series for profile in profiles for series in series_in(profile, before)]
    return list({series.label: series for series in wanted}.values())


def _diffs(
    past: Past,
    before: MeasuredBenchmark,
    after: MeasuredBenchmark,
    wanted: Iterable[Series],
    profile: Profile,
) -> Iterator[Diff]:
    for series in wanted:
        old, new = before.value(series), after.value(series)
        if old is not None and new is not None:
            diff = _diff(past, (before, after), series, (old, new), profile)
            proves = before.comparable and after.comparable
            yield diff if proves else replace(diff, status=DiffStatus.INVALID)


def _diff(
    past: Past,
    runs: tuple[MeasuredBenchmark, MeasuredBenchmark],
    series: Series,
    values: tuple[float, float],
    profile: Profile,
) -> Diff:
    (before, after), (old, new) = runs, values
    likes = past.whole(before, series)
    machines = past.machines.get(before.outcome.benchmark, {})
    return pair_diff(
        series,
        old,
        new,
        [point.value for point in likes],
        against=before.run.run_id,
        policy=policy_of(profile),
        machines=[
            *(machines.get(point.run_id) for point in likes),
            machine_of(before),
            machine_of(after),
        ],
    )


def _environments(first: RunRecord, second: RunRecord) -> Iterator[str]:
    facts = changed_facts(first.environment, second.environment)
    if facts:
        yield f"environments differ: {first_few(facts, _MOST_FACTS, '; ')}"
    elif first.machine and second.machine and first.machine != second.machine:
        facts = changed_facts(first.machine, second.machine)
        yield f"machines differ: {first_few(facts, _MOST_FACTS, '; ')}"
    if first.code_version != second.code_version:
        yield f"versions differ: perf_pipeline {first.code_version} -> {second.code_version}"
    if first.revision != second.revision:
        facts = changed_facts(revision_rows(first.revision), revision_rows(second.revision))
        yield f"what was measured differs: {first_few(facts, _MOST_FACTS, '; ')}"
    if first.target != second.target:
        yield f"targets differ: {first.target} -> {second.target}"


def _alone(
    runs: tuple[RunRecord, RunRecord],
    ours: Mapping[str, MeasuredBenchmark],
    theirs: Mapping[str, MeasuredBenchmark],
) -> Iterator[str]:
    for run, mine, other in ((runs[0], ours, theirs), (runs[1], theirs, ours)):
        names = [name for name in mine if name not in other]
        if names:
            yield f"only run {run.run_id} has {', '.join(names)}"


def _loads(before: MeasuredBenchmark, after: MeasuredBenchmark) -> Iterator[str]:
    if before.outcome.load_hash == after.outcome.load_hash:
        return
    benchmark = before.outcome.benchmark
    facts = changed_facts(_load(before.run, benchmark), _load(after.run, benchmark))
    told = first_few(facts, _MOST_FACTS, "; ") or "in an older format"
    yield f"the load of {benchmark} differs: {told}"


def _load(run: RunRecord, benchmark: str) -> dict[str, str]:
    profile = json.loads(run.profile_json)
    config = dict(profile.get("benchmarks", {}).get(benchmark, {}))
    config.pop(_NOT_LOAD, None)
    common = {name: profile.get(name) for name in ("seed", "workers", "seeding")}
    return dict(_flat({**common, **config}))


def _flat(table: Mapping[str, object], path: str = "") -> Iterator[tuple[str, str]]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{path}{name}.")
        else:
            text = json.dumps(value)
            yield f"{path}{name}", text if len(text) <= _MOST_CHARACTERS else _shortened(text)


def _shortened(text: str) -> str:
    # The digest distinguishes two long values that differ only at their end.
    return f"{text[: _MOST_CHARACTERS - 10]}… ({sha256(text.encode()).hexdigest()[:6]})"
