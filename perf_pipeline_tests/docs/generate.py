"""The generated parts of the documentation; `python -m perf_pipeline_tests.docs.generate` renews.

A page holds them between `<!-- generated: name -->` and `<!-- end of name -->`; a test asserts
that they are what the code says.
Add here: a part that the code already knows. Keep out: prose, which is written in the pages.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

import click

from perf_pipeline.benchmarks.registry import NAMES
from perf_pipeline.cli.main import main
from perf_pipeline.config.alerts import Alerts, EmailAlert, UrlAlert
from perf_pipeline.config.baseline_policy import BaselinePolicyConfig, PinnedBaseline
from perf_pipeline.config.capacity import CapacitySearch
from perf_pipeline.config.duet import DuetConfig
from perf_pipeline.config.executors.registry import EXECUTORS
from perf_pipeline.config.executors.stages import Stage
from perf_pipeline.config.faults import Fault
from perf_pipeline.config.fleet import FleetConfig
from perf_pipeline.config.frozen import Frozen
from perf_pipeline.config.growth import GrowthWatch
from perf_pipeline.config.history_remote import HistoryConfig
from perf_pipeline.config.loading import SHIPPED, load_profile
from perf_pipeline.config.outputs import OutConfig
from perf_pipeline.config.own_deliveries import Deliveries
from perf_pipeline.config.parameters import ITERATIONS
from perf_pipeline.config.profile import (
    BenchmarkConfig,
    Profile,
    Question,
    Seeding,
)
from perf_pipeline.config.python_parameters import PythonParameters
from perf_pipeline.config.scaling import ScalingConfig
from perf_pipeline.config.scenario import Scenario
from perf_pipeline.config.target import TargetConfig
from perf_pipeline.config.threshold_entry import ThresholdEntry
from perf_pipeline.config.tiers import TierConfig
from perf_pipeline.config.version_question import VersionQuestion
from perf_pipeline.errors import ExitCode, PerfPipelineError
from perf_pipeline.metrics.catalog import CATALOG
from perf_pipeline.metrics.threshold import LEGAL_STATISTICS
from perf_pipeline_tests.docs.key_tables import key_table, markdown_table, models_in
from perf_pipeline_tests.support.histories import new_file_sql

ROOT: Final = Path(__file__).resolve().parents[2]
DOCS: Final = ROOT / "docs"
_PROGRAM: Final = "perf-pipeline"
_HELP_WIDTH: Final = 96
_PART: Final = re.compile(r"<!-- generated: (\S+) -->\n(.*?)<!-- end of \1 -->", re.DOTALL)
_MODELS: Final[Mapping[str, type[Frozen]]] = MappingProxyType(
    {
        "profile": Profile,
        "question": Question,
        "out": OutConfig,
        "alerts": Alerts,
        "history": HistoryConfig,
        "duet": DuetConfig,
        "fleet": FleetConfig,
        "email-alert": EmailAlert,
        "url-alert": UrlAlert,
        "version": VersionQuestion,
        "deliveries": Deliveries,
        "fault": Fault,
        "growth": GrowthWatch,
        "capacity": CapacitySearch,
        "scaling": ScalingConfig,
        "tier": TierConfig,
        "seeding": Seeding,
        "benchmark": BenchmarkConfig,
        "stage": Stage,
        "threshold": ThresholdEntry,
        "target": TargetConfig,
        "baseline": BaselinePolicyConfig,
        "pinned": PinnedBaseline,
    }
)
# A sentence on each code.
_ENDINGS: Final[Mapping[ExitCode, str]] = MappingProxyType(
    {
        ExitCode.OK: "all verdicts pass; a missed aim (WARN) is a pass",
        ExitCode.UNEXPECTED: "a bug of perf_pipeline and nothing else: one sentence on the screen, "
        "the traceback in `.perf/logs`",
        ExitCode.NOT_MEASURED: "could not measure: target down, generator was the limit, no data",
        ExitCode.REGRESSED: "a regression against the baseline is confirmed",
        ExitCode.THRESHOLD_FAILED: "a threshold failed",
        ExitCode.INVALID_CONFIGURATION: "invalid configuration; found before any load, and "
        "nothing was sent",
        ExitCode.STOPPED: "stopped by the user; a partial, marked run is kept",
    }
)


def parts() -> dict[str, str]:
    """Give every generated part by its name, anew from the code."""
    made: dict[str, Callable[[], str]] = {
        "metrics": _metrics,
        "statistics-by-kind": _statistics,
        "exit-codes": _exit_codes,
        "errors": _errors,
        "commands": _commands,
        "shipped": _shipped,
        "loads": _loads,
        "promises": _promises,
        "scenario": lambda: key_table(Scenario, leave_out=frozenset({"plan"})),
        "executors": _executors,
        "parameters": _parameters,
    }
    keys = {name: key_table(model) for name, model in _MODELS.items()}
    return {name: make() for name, make in made.items()} | keys


def renew(page: str, made: Mapping[str, str]) -> str:
    """Give a page with its generated parts renewed.

    Raises:
        KeyError: the page asks for a part that does not exist.
    """
    return _PART.sub(
        lambda part: f"<!-- generated: {part[1]} -->\n{made[part[1]]}\n<!-- end of {part[1]} -->",
        page,
    )


def parts_of(page: str) -> list[str]:
    """Give the names of the parts that a page holds."""
    return [part[1] for part in _PART.finditer(page)]


def _metrics() -> str:
    rows = [
        (
            f"`{metric.name}`",
            metric.kind.value,
            metric.unit,
            metric.better,
            ", ".join(sorted(metric.tags)) or "none",
            metric.meaning,
        )
        for metric in CATALOG.values()
    ]
    return markdown_table(("metric", "kind", "unit", "better", "tags", "meaning"), rows)


def _statistics() -> str:
    rows = [
        (
            kind.value,
            ", ".join(
                "`p(N)`" if statistic == "p" else f"`{statistic}`" for statistic in sorted(legal)
            ),
        )
        for kind, legal in LEGAL_STATISTICS.items()
    ]
    return markdown_table(("kind", "statistics"), rows)


def _exit_codes() -> str:
    rows = [(str(code.value), f"`{code.name}`", _ENDINGS[code]) for code in ExitCode]
    return markdown_table(("code", "name", "meaning"), rows)


def _errors() -> str:
    rows = [
        (f"`{error.__name__}`", str(error.exit_code.value), (error.__doc__ or "").split("\n")[0])
        for error in PerfPipelineError.__subclasses__()
        # Which others exist depends on what is imported by now.
        if error.__module__ == PerfPipelineError.__module__
    ]
    return markdown_table(("error", "exit code", "what it says"), rows)


def _commands() -> str:
    everything = {"": main} | commands()
    return "\n\n".join(
        _help(command, f"{_PROGRAM} {name}".rstrip()) for name, command in everything.items()
    )


def commands(group: click.Group = main) -> dict[str, click.Command]:
    """Give every command by its name, such as `baseline pin`, in alphabetical order."""
    found: dict[str, click.Command] = {}
    for name, command in sorted(group.commands.items()):
        found[name] = command
        inner = commands(command) if isinstance(command, click.Group) else {}
        found |= {f"{name} {below}": command for below, command in inner.items()}
    return found


def _help(command: click.Command, name: str) -> str:
    # A command remembers its option for help, with the names that it had when first asked.
    context = click.Context(
        command,
        info_name=name,
        terminal_width=_HELP_WIDTH,
        max_content_width=_HELP_WIDTH,
        help_option_names=main.context_settings["help_option_names"],
    )
    return f"## `{name}`\n\n```text\n{command.get_help(context).rstrip()}\n```"


def _shipped() -> str:
    rows = [
        (
            f"`{profile.name}`",
            profile.description,
            f"{profile.seeding.users:,}",
            str(len(profile.benchmarks)),
            str(sum(len(config.parsed_thresholds()) for config in profile.benchmarks.values())),
        )
        for profile in map(load_profile, SHIPPED)
    ]
    return markdown_table(("profile", "what", "seeded users", "benchmarks", "thresholds"), rows)


def _loads() -> str:
    profiles = list(map(load_profile, SHIPPED))
    rows = []
    for benchmark in NAMES:
        for name, scenario in profiles[0].benchmarks[benchmark].scenarios.items():
            plans = [
                profile.benchmarks[benchmark].scenarios[name].plan.description
                if benchmark in profile.benchmarks
                else "none"
                for profile in profiles
            ]
            rows.append((benchmark, f"`{name}`", f"`{scenario.exec}`", *plans))
    head = ("benchmark", "scenario", "exec", *(f"`{profile.name}`" for profile in profiles))
    return markdown_table(head, rows)


def _promises() -> str:
    rows: dict[tuple[str, str, str, str], list[str]] = {}
    profiles = list(map(load_profile, SHIPPED))
    for profile in profiles:
        for benchmark, config in profile.benchmarks.items():
            for threshold in config.parsed_thresholds():
                row = (benchmark, f"`{threshold.key}`", f"`{threshold.source}`", threshold.severity)
                rows.setdefault(row, []).append(profile.name)
    told = [
        (*row, "all" if len(names) == len(profiles) else ", ".join(names))
        for row, names in rows.items()
    ]
    return markdown_table(("benchmark", "metric", "threshold", "severity", "profiles"), told)


def _executors() -> str:
    told = []
    for name, model in EXECUTORS.items():
        summary = (model.__doc__ or "").split("\n")[0]
        table = key_table(model, leave_out=frozenset({"executor", "recorded"}))
        told.append(f"#### `{name}`\n\n{summary}\n\n{table}")
    return "\n\n".join(told)


def _parameters() -> str:
    names: dict[type[Frozen], list[str]] = {}
    for name, kind in ITERATIONS.items():
        names.setdefault(kind.parameters, []).append(f"`{name}`")
    names[PythonParameters] = ["`module:name`, a scenario in Python"]
    told = [_model(", ".join(used_by), model) for model, used_by in names.items()]
    inner = dict.fromkeys(part for model in names for part in models_in(model))
    return "\n\n".join([*told, *(_model(f"Table `{model.__name__}`", model) for model in inner)])


def _model(title: str, model: type[Frozen]) -> str:
    summary = (model.__doc__ or "").splitlines()[0]
    return f"#### {title}\n\n{summary}" + (f"\n\n{key_table(model)}" if model.model_fields else "")


def write() -> None:
    """Renew every page of docs/ in place, and the tables of a new history."""
    new_file_sql.write()
    made = parts()
    for path in sorted(DOCS.glob("*.md")):
        before = path.read_text(encoding="utf-8")
        path.write_text(renew(before, made), encoding="utf-8")


if __name__ == "__main__":
    write()
