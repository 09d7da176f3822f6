"""A profile: what is run, under which load, and which thresholds must hold.

Add here: a key of a profile, with its meaning in the docstring (docs/profiles.md shows it). Keep
out: the numbers themselves (profiles/*.toml) and reading files (loading.py).
"""

import hashlib
import json
import re
from typing import Final, Literal, Self

from pydantic import Field, field_validator, model_validator

from perf_pipeline.benchmarks.registry import NAMES, is_shipped
from perf_pipeline.config.alerts import Alerts
from perf_pipeline.config.baseline_policy import BaselinePolicyConfig
from perf_pipeline.config.bounds import LARGEST_STORED, MOST_GENERATORS
from perf_pipeline.config.capacity import CapacitySearch
from perf_pipeline.config.duet import DuetConfig
from perf_pipeline.config.durations import Duration
from perf_pipeline.config.faults import Fault
from perf_pipeline.config.fleet import FleetConfig
from perf_pipeline.config.frozen import Frozen, equals, is_empty
from perf_pipeline.config.growth import GrowthWatch
from perf_pipeline.config.history_remote import HistoryConfig
from perf_pipeline.config.outputs import OutConfig
from perf_pipeline.config.own_deliveries import Deliveries
from perf_pipeline.config.patterns import GROUP_PATTERN, LINE_PATTERN, NAME_PATTERN
from perf_pipeline.config.scaling import ScalingConfig
from perf_pipeline.config.scenario import Scenario
from perf_pipeline.config.target import LOCAL, TargetConfig
from perf_pipeline.config.threshold_entry import ThresholdEntry, parsed_entry
from perf_pipeline.config.tiers import TierName
from perf_pipeline.metrics.catalog import (
    ANSWERED_BESIDE_FAULTS,
    CAPACITY_PER_S,
    FAULTS_UNRECOVERED,
    SCALING_EFFICIENCY,
    TARGET_ANSWERED,
)
from perf_pipeline.metrics.scenario_tags import ScenarioTags
from perf_pipeline.metrics.threshold import Threshold, parse_threshold
from perf_pipeline.units import US_PER_S

ANSWERED_BY_DEFAULT: Final = "rate>=0.95"
# For a benchmark with faults: failures during a fault are counted apart (docs/faults.md).
_WITH_FAULTS: Final = ((FAULTS_UNRECOVERED, "value==0"), (ANSWERED_BESIDE_FAULTS, "value>=0.95"))
_SCENARIO_NAME: Final = re.compile(r"[0-9A-Za-z_-]+")  # k6: executorNameWhitelist


class Seeding(Frozen):
    """Say how many users are created before the load.

    Attributes:
        users: the number of users; reads, deletes and updates each use a part of their ids.
    """

    users: int = Field(default=1_000, ge=10, le=10_000_000)


class BenchmarkConfig(Frozen):
    """Describe one benchmark.

    Attributes:
        enabled: False leaves the benchmark out, unless `--only` names it (its asset says so).
        asset_group: the group in which Dagster shows a benchmark of your own, `own` by default.
        description: the text of the asset of a benchmark of your own.
        scenarios: its scenarios, by name.
        capacity: instead of scenarios: find the highest rate that another benchmark carries.
        scaling: together with `capacity`: find the capacity at several numbers of units, and how it
            grows with them.
        thresholds: metric key -> texts or tables. `target_answered` is `["rate>=0.95"]` by default;
            `[]` turns that check off.
        interval_us: the time between two readings of resource use.
        topic: the topic of the queue benchmarks, which no other consumer should read.
        group: the consumer group of the consume benchmark.
        partitions: how many partitions the topic gets if it is created here.
        drain_timeout_us: how long to wait for outstanding messages after the load.
        deliveries: where the system shows that it completed a message that was promised.
        faults: what is broken on purpose while the load runs, and how it is undone
            (docs/faults.md). `target_answered` has no default then; `faults_unrecovered` is
            `["value==0"]`, and `answered_beside_faults` is `["value>=0.95"]`.
        growth: report what grows during a steady load (docs/soak.md).
        functions: tiers whose Python functions py-spy samples while the load runs, such as `api`
            (docs/bottlenecks.md).
    """

    enabled: bool = True
    asset_group: str = Field(
        default="", alias="assetGroup", pattern=GROUP_PATTERN, exclude_if=is_empty
    )
    description: str = Field(default="", max_length=2_000, exclude_if=is_empty)
    scenarios: dict[str, Scenario] = Field(default_factory=dict, min_length=1, exclude_if=is_empty)
    capacity: CapacitySearch | None = Field(default=None, exclude_if=equals(None))
    scaling: ScalingConfig | None = Field(default=None, exclude_if=equals(None))
    thresholds: dict[str, list[str | ThresholdEntry]] = Field(default_factory=dict)
    interval_us: Duration = Field(default=US_PER_S, alias="interval", ge=US_PER_S // 10)
    topic: str = "perf-pipeline-messages"
    group: str = "perf-pipeline-consumers"
    partitions: int = Field(default=6, ge=1, le=1_000)
    drain_timeout_us: Duration = Field(default=30 * US_PER_S, alias="drainTimeout", ge=0)
    deliveries: Deliveries | None = Field(default=None, exclude_if=equals(None))
    faults: tuple[Fault, ...] = Field(default=(), strict=False, max_length=100, exclude_if=is_empty)
    growth: GrowthWatch | None = Field(default=None, exclude_if=equals(None))
    functions: tuple[TierName, ...] = Field(
        default=(), strict=False, max_length=20, exclude_if=is_empty
    )

    @field_validator("scenarios")
    @classmethod
    def _names_are_plain(cls, scenarios: dict[str, Scenario]) -> dict[str, Scenario]:
        if odd := [name for name in scenarios if not _SCENARIO_NAME.fullmatch(name)]:
            names = ", ".join(repr(name) for name in odd)
            raise ValueError(
                f"{names} can't be the name of a scenario; use letters, digits, _ and -"
            )
        return scenarios

    @model_validator(mode="after")
    def _loads_something(self) -> Self:
        if not self.scenarios and self.capacity is None:
            raise ValueError("its scenarios are missing; a benchmark needs at least one")
        return self

    @property
    def load_steps(self) -> list[tuple[int, dict[str, Scenario]]]:
        """Return the scenarios of each step, in order."""
        numbers = sorted({scenario.step for scenario in self.scenarios.values()})
        return [
            (number, {name: its for name, its in self.scenarios.items() if its.step == number})
            for number in numbers
        ]

    @property
    def scenario_tags(self) -> ScenarioTags:
        """Return the tags of each scenario."""
        return {name: scenario.tags for name, scenario in self.scenarios.items()}

    def parsed_thresholds(self) -> list[Threshold]:
        """Return the thresholds that the profile writes, in its order."""
        return [
            parsed_entry(key, entry, self.scenario_tags)
            for key, entries in self.thresholds.items()
            for entry in entries
        ]

    def all_thresholds(self) -> list[Threshold]:
        """Return the profile's thresholds, then those that every benchmark has by default."""
        by_default = _WITH_FAULTS if self.faults else ((TARGET_ANSWERED, ANSWERED_BY_DEFAULT),)
        if self.capacity is not None:
            metric = CAPACITY_PER_S if self.scaling is None else SCALING_EFFICIENCY
            by_default = ((metric, "value>0"),)
        named = set(map(str.strip, self.thresholds))
        missing = [default for default in by_default if default[0] not in named]
        return [*self.parsed_thresholds(), *(parse_threshold(*default) for default in missing)]


class Question(Frozen):
    """Hold the question, in the author's words, that a run of the profile answers.

    Attributes:
        text: the question, or a claim; every report begins with it.
        thresholds: benchmark -> keys of its thresholds that answer it, e.g.
            `{ checkout = ["http_req_failed"] }`; all thresholds of the profile by default.
    """

    text: str = Field(min_length=1, max_length=200, pattern=LINE_PATTERN)
    thresholds: dict[str, list[str]] = Field(default_factory=dict)


class Profile(Frozen):
    """Hold everything that a run needs to know.

    Attributes:
        name: the name of the profile; only runs of the same profile are compared.
        description: one sentence about the profile.
        question: the question that its runs answer. By default a profile that enables the one-day
            simulation asks for 1,000,000 messages a day, and any other profile asks whether all
            thresholds hold.
        seed: the same seed gives the same test data.
        workers: number of load worker processes; at most 64 without a fleet.
        api_processes: number of API processes of the reference system.
        worker_processes: number of worker processes of the reference system.
        brokers: number of brokers that a run starts if the target names none: 1, or 3, which all
            keep each message, and of which at least two acknowledge it. A fault of the kind
            `leader_change` makes it 3.
        target: the name of the target to load, one of `targets`; `local` is this machine.
        targets: systems that can be loaded.
        seeding: the users created before the load.
        benchmarks: benchmarks by name, in any order. They run in the order of the graph, and your
            own run last.
        baseline: how runs are compared.
        calibration: whether to time fixed pieces of work on the load machine before and after each
            load (half a second in total), which tells a slower machine from a slower system.
        keep_raw_runs: how many runs keep their raw samples; summaries are never dropped.
        out: where figures are sent during a run; it is not part of the run's identity.
        history: where a team keeps its history; it is not part of the run's identity.
        folder: where relative paths of own scenarios start; the folder of the profile by default.
            It is not part of the run's identity, so that two machines can share one history.
        alerts: who receives an alert about a run that did not pass; it is not part of the run's
            identity.
        duet: the two sides that `perf-pipeline duet` compares; it is not part of the run's
            identity.
        fleet: the hosts that the load workers run on; this machine by default. The fingerprint of a
            run includes their number and their size.
    """

    name: str = Field(pattern=NAME_PATTERN)
    description: str = ""
    question: Question | None = Field(default=None, exclude_if=equals(None))
    seed: int = Field(default=20_260_101, ge=0, le=LARGEST_STORED)
    workers: int = Field(default=2, ge=1, le=MOST_GENERATORS)
    api_processes: int = Field(default=1, ge=1, le=64)
    worker_processes: int = Field(default=1, ge=1, le=64)
    brokers: Literal[1, 3] = Field(default=1, exclude_if=equals(1))
    target: str = LOCAL
    targets: dict[str, TargetConfig] = Field(default_factory=dict)
    seeding: Seeding = Seeding()
    benchmarks: dict[str, BenchmarkConfig]
    baseline: BaselinePolicyConfig = BaselinePolicyConfig()
    calibration: bool = Field(default=True, exclude_if=equals(default=True))
    keep_raw_runs: int = Field(default=20, ge=1, le=1_000_000)
    out: OutConfig = Field(default=OutConfig(), exclude=True)
    history: HistoryConfig = Field(default=HistoryConfig(), exclude=True)
    folder: str = Field(default=".", exclude=True)
    alerts: Alerts | None = Field(default=None, exclude=True)
    duet: DuetConfig | None = Field(default=None, exclude=True)
    fleet: FleetConfig | None = Field(default=None, exclude=True)

    @model_validator(mode="before")
    @classmethod
    def _generators_are_workers(cls, raw: object) -> object:
        """Replace the number of workers by the fleet's number."""
        fleet = raw.get("fleet") if isinstance(raw, dict) else None
        if isinstance(raw, dict) and isinstance(fleet, dict) and fleet.get("generators"):
            return {**raw, "workers": fleet["generators"]}
        return raw

    @property
    def benchmark_names(self) -> list[str]:
        """Return the benchmarks in running order: those of the graph first, then your own."""
        own = [name for name in self.benchmarks if not is_shipped(name)]
        return [*(name for name in NAMES if name in self.benchmarks), *own]

    @property
    def enabled_names(self) -> list[str]:
        """Return the benchmarks that run unless `--only` names others, in the order of running."""
        return [name for name in self.benchmark_names if self.benchmarks[name].enabled]

    @property
    def as_json(self) -> str:
        """Return JSON in the profile's order, without `folder`; `validate_profile` reads it."""
        return json.dumps(self.model_dump(mode="json", by_alias=True))

    @property
    def config_hash(self) -> str:
        """Return 12 hex digits that change with any key."""
        return _hash(self.model_dump(mode="json", by_alias=True))

    def load_hash(self, benchmark: str) -> str:
        """Return 12 hex digits that change with the load, and not with thresholds."""
        config = self.benchmarks[benchmark].model_dump(
            mode="json",
            exclude={
                "thresholds": True,
                "asset_group": True,
                "description": True,
                "scenarios": {"__all__": {"ceiling"}},
            },
        )
        searched = self.benchmarks[benchmark].capacity
        # A capacity depends on the thresholds: with another bound, it answers another question.
        of = self.benchmarks.get(searched.of) if searched is not None else None
        also = [] if of is None else [of.model_dump(mode="json")]
        return _hash([self.seed, self.workers, self.seeding.model_dump(mode="json"), config, *also])


def _hash(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:12]
