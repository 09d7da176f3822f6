"""The frozen record of a run that every report is made from.

Add here: a fact that a report shows. Keep out: wording and layout.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from perf_pipeline.analysis.attribution import Attribution
from perf_pipeline.analysis.baseline import Diff
from perf_pipeline.analysis.causes import Cause, causes
from perf_pipeline.analysis.costs import TopCost
from perf_pipeline.analysis.finding import Finding
from perf_pipeline.analysis.outcome import exit_code
from perf_pipeline.analysis.shared import LASTING_RUNS
from perf_pipeline.errors import ExitCode
from perf_pipeline.metrics.growth import GrowthRecord
from perf_pipeline.metrics.summary import Summary
from perf_pipeline.metrics.threshold import Verdict
from perf_pipeline.report.capacity_texts import CapacityReport
from perf_pipeline.report.distribution import Distribution
from perf_pipeline.report.faults import FaultStory
from perf_pipeline.report.scaling_texts import ScalingReport
from perf_pipeline.report.slow_requests import SlowRequest
from perf_pipeline.report.trend import Trend


class BenchmarkStatus(StrEnum):
    """Say how a benchmark ended.

    ABORTED: an abortOnFail threshold ended it. STOPPED: the user did. FAILED: it could not be
    completed, e.g. the target died. NOT_RUN: it was planned and never began. NOT_STORED: it began,
    and what it left is not in the history.
    """

    COMPLETED = "COMPLETED"
    ABORTED = "ABORTED"
    STOPPED = "STOPPED"
    FAILED = "FAILED"
    NOT_RUN = "NOT_RUN"
    NOT_STORED = "NOT_STORED"


UNMEASURED = frozenset(
    {BenchmarkStatus.FAILED, BenchmarkStatus.NOT_RUN, BenchmarkStatus.NOT_STORED}
)
"""The endings of a benchmark that could not be measured as planned."""


@dataclass(frozen=True, slots=True)
class TimeSeries:
    """Hold a line of a plot.

    Attributes:
        name: what is drawn, e.g. `http_req_duration p(95)`.
        unit: the unit of the values.
        points: (seconds since the benchmark's origin, value), ordered by time; a value that is no
            number is a gap.
        panel: title of the plot that it shares; by the first word of its name when empty.
        every_s: for how many seconds a point stands, from its time on; 0 when it is a moment.
        keys: the keys of thresholds whose bounds are drawn with it.
    """

    name: str
    unit: str
    points: tuple[tuple[float, float], ...]
    panel: str = ""
    every_s: float = 0.0
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Failure:
    """Hold how operations failed in one way.

    Attributes:
        kind: class of the error, or `status 500`.
        where: operation and scenario.
        count: how often in the measured phase.
        first_s: end of the first one, in s since the benchmark's origin; None when unknown.
        last_s: end of the last one.
        vu: who met the first one; None when unknown.
        iteration: in which of its iterations.
    """

    kind: str
    where: str
    count: int
    first_s: float | None = None
    last_s: float | None = None
    vu: int | None = None
    iteration: int | None = None


@dataclass(frozen=True, slots=True)
class BenchmarkReport:
    """Hold what reports show of a benchmark.

    Attributes:
        name: in the profile.
        status: how it ended.
        wall_s: from its start to its end, with warm-up and drain.
        measured_s: the part that counts.
        valid: False when the load generator was the limit.
        invalid_reasons: one sentence each.
        verdicts: the verdicts of its thresholds.
        summaries: the summaries of its metrics, untagged ones and tag filters.
        problems: one sentence each: what went wrong while it ran.
        series: lines to draw over time; may be empty.
        failures: how operations failed, the most frequent first.
        distributions: the distributions of its latencies, beside those of the baseline.
        measured_between_s: begin and end of the measured phase in the time of the series.
        faults: what was broken on purpose meanwhile, in order of start.
        growth: how fast each quantity grew, where the benchmark was asked to tell.
        capacity: what a search for a capacity found; None for any other benchmark.
        scaling: what searches at several numbers of units found; as above.
    """

    name: str
    status: BenchmarkStatus
    wall_s: float
    measured_s: float
    valid: bool = True
    invalid_reasons: tuple[str, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    summaries: tuple[Summary, ...] = ()
    problems: tuple[str, ...] = ()
    series: tuple[TimeSeries, ...] = ()
    failures: tuple[Failure, ...] = ()
    distributions: tuple[Distribution, ...] = ()
    measured_between_s: tuple[float, float] | None = None
    faults: tuple[FaultStory, ...] = ()
    growth: tuple[GrowthRecord, ...] = ()
    capacity: CapacityReport | None = None
    scaling: ScalingReport | None = None


@dataclass(frozen=True, slots=True)
class Withheld:
    """Describe a gate that is withheld, because more changed than the system alone.

    Attributes:
        series: how many are withheld.
        compared: how many were compared at all.
        reasons: why; each is the end of a sentence.
        since: the first of the runs in a row whose gate was withheld, this one included.
        in_a_row: how many they are.
        fails: it is to fail the run, by profile or command line.
        new_level: the first run of a level on which most runs since then agree: it is the baseline
            of the next run; empty without.
        pull_request: the one that the first of the runs in a row is of, which nobody can accept;
            empty without.
    """

    series: int
    compared: int
    reasons: tuple[str, ...]
    since: str
    in_a_row: int = 1
    fails: bool = False
    new_level: str = ""
    pull_request: str = ""

    @property
    def needs_decision(self) -> bool:
        """Say whether it has lasted for the runs that a new level needs, and there is none."""
        return self.in_a_row >= LASTING_RUNS and not self.new_level

    @property
    def ends_with_failure(self) -> bool:
        """Say whether the run fails because of it."""
        return self.fails or self.needs_decision


@dataclass(frozen=True, slots=True)
class Origin:
    """Say what a comparison was made with.

    Attributes:
        benchmark: its name.
        series: what was compared, as its label.
        against: history, pinned, or the name of a release.
        run_ids: runs of the baseline, oldest first; empty for a fixed figure.
        config_hash: the configuration hash of the profile that judged.
        code_version: the version of the package that judged.
    """

    benchmark: str
    series: str
    against: str
    run_ids: tuple[str, ...]
    config_hash: str
    code_version: str


@dataclass(frozen=True, slots=True)
class Asked:
    """Hold the question of somebody's own profile, in place of 1,000,000 messages a day.

    Attributes:
        text: in the author's words; empty where the profile asks nothing beside its thresholds.
        thresholds: benchmark and key of those that answer it; all of them when empty.
    """

    text: str = ""
    thresholds: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class RunReport:
    """Hold what reports show of a run.

    Attributes:
        run_id: key in the history.
        profile: its name.
        began_at: aware, UTC.
        wall_s: the duration of the whole run.
        target: masked, never with a secret.
        environment: name to value: host, versions, commit ...
        notices: loud things, e.g. that a broker is an emulator.
        benchmarks: in the order in which they ran.
        diffs: (benchmark, diff).
        findings: (benchmark or empty for the whole run, finding).
        attributions: (benchmark that follows messages, which tier holds their latency).
        trends: each series that was compared with history, over the runs.
        origins: where each comparison comes from.
        withheld: what the gate did not decide; None where it decided everything.
        asked: what the profile asks; None for 1,000,000 messages a day.
        revision: what was measured: version, commit, branch, pull_request, build; what is known.
        tags: what people called the run.
        costs: (benchmark, what its target's time went into), the largest of each kind first.
        slow_requests: the slowest traced ones of each operation.
        history_path: where the figures are kept; empty when nowhere.
        paths: kind of report to where it lies.
        causes: what became worse, one finding for each cause; follows from `diffs`.
    """

    run_id: str
    profile: str
    began_at: datetime
    wall_s: float
    target: str
    environment: Mapping[str, str] = field(default_factory=dict)
    notices: tuple[str, ...] = ()
    benchmarks: tuple[BenchmarkReport, ...] = ()
    diffs: tuple[tuple[str, Diff], ...] = ()
    findings: tuple[tuple[str, Finding], ...] = ()
    attributions: tuple[tuple[str, Attribution], ...] = ()
    trends: tuple[Trend, ...] = ()
    origins: tuple[Origin, ...] = ()
    withheld: Withheld | None = None
    asked: Asked | None = None
    revision: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    costs: tuple[tuple[str, TopCost], ...] = ()
    slow_requests: tuple[SlowRequest, ...] = ()
    history_path: str = ""
    paths: Mapping[str, str] = field(default_factory=dict)
    causes: tuple[Cause, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Put what became worse into findings, once for all forms of the report."""
        object.__setattr__(self, "causes", causes(self.diffs))

    @property
    def exit_code(self) -> ExitCode:
        """Return the exit code of the command line; a run without a benchmark measured nothing."""
        return exit_code(
            (verdict.status for benchmark in self.benchmarks for verdict in benchmark.verdicts),
            (diff.status for _, diff in self.diffs),
            measured=bool(self.benchmarks)
            and all(
                benchmark.valid and benchmark.status not in UNMEASURED
                for benchmark in self.benchmarks
            ),
            withheld=self.withheld is not None and self.withheld.ends_with_failure,
            stopped=any(
                benchmark.status is BenchmarkStatus.STOPPED for benchmark in self.benchmarks
            ),
        )


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Hold what a report says about bottlenecks, for callers that want nothing else of it.

    Attributes:
        findings: as in `RunReport`.
        attributions: as in `RunReport`.
    """

    findings: tuple[tuple[str, Finding], ...] = ()
    attributions: tuple[tuple[str, Attribution], ...] = ()
