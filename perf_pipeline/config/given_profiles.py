"""Find the profiles of a Dagster code location: shipped names, files, or folders of files.

Add here: another way in which profiles are given. Keep out: reading a single profile (loading.py),
and what is made of the profiles (defs/).
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from perf_pipeline.benchmarks.own import OWN_GROUP, own_benchmark
from perf_pipeline.benchmarks.record import Benchmark, Part
from perf_pipeline.benchmarks.registry import BENCHMARKS, is_shipped
from perf_pipeline.config.loading import SHIPPED, describe_profile
from perf_pipeline.config.parameters import iteration_kind
from perf_pipeline.config.profile import BenchmarkConfig, Profile
from perf_pipeline.errors import ProfileError

PROFILES_VARIABLE: Final = "PERF_PROFILES"
_LABELS: Final[Mapping[Part, str]] = MappingProxyType(
    {Part.API: "http", Part.POSTGRES: "postgres", Part.BROKERS: "kafka", Part.REDIS: "redis"}
)
# Of a search for a capacity, and of a search at several numbers of units, in this order.
_SUMMARIES: Final = (
    "Find the highest rate that {of} carries.",
    "Find how the highest rate that {of} carries grows with units.",
)
_DESCRIPTIONS: Final = (
    (
        "The highest rate at which its scenarios start while all of its thresholds hold and "
        "nothing piles up, confirmed by windows of load."
    ),
    (
        "The same search at several numbers of units, and the Universal Scalability Law through "
        "what it finds."
    ),
)


@dataclass(frozen=True, slots=True)
class GivenProfile:
    """Hold a profile together with its source.

    Attributes:
        source: a shipped name, or the absolute path of a file, from which a run reads it again.
        profile: the profile as it is now.
    """

    source: str
    profile: Profile


def named_in(environment: Mapping[str, str]) -> list[str]:
    """Return the profiles that PERF_PROFILES names; without it, the shipped profiles.

    Names are separated as in PATH, by a colon (on Windows by a semicolon).
    """
    named = environment.get(PROFILES_VARIABLE, "").split(os.pathsep)
    return [name.strip() for name in named if name.strip()] or list(SHIPPED)


def given_profiles(
    sources: Iterable[str | Path],
    overrides: Mapping[str, Any] | None = None,
    *,
    folder: Path | None = None,
) -> list[GivenProfile]:
    """Read the given profiles; a file that is given twice counts once.

    Args:
        sources: shipped names, files that end in .toml, and folders, whose .toml files are taken in
            the order of their names, without pyproject.toml and hidden ones.
        overrides: dotted path -> value; they override keys of each profile.
        folder: folder where relative paths start; the current folder by default.

    Raises:
        ProfileError: there is no profile, one is absent or has mistakes, or two have the same name.
    """
    found = [
        GivenProfile(path, describe_profile(path, overrides))
        for path in dict.fromkeys(
            path for source in sources for path in _paths_of(str(source), folder or Path.cwd())
        )
    ]
    if not found:
        raise ProfileError("profiles", ["there are none; name a profile, a file or a folder"])
    by_name: dict[str, GivenProfile] = {}
    for given in found:
        first = by_name.setdefault(given.profile.name, given)
        if first is not given:
            sentence = f"its name is {given.profile.name}, which is also the name of {first.source}"
            raise ProfileError(
                given.source,
                [sentence],
                hint=(
                    "each profile becomes a job that has its name, so give the profiles different "
                    "names"
                ),
            )
    return found


def _paths_of(source: str, folder: Path) -> list[str]:
    if source in SHIPPED:
        return [source]
    path = (folder / source).absolute()
    if not path.is_dir():
        return [str(path)]
    files = sorted(str(file) for file in path.glob("*.toml") if _may_be_profile(file.name))
    if not files:
        raise ProfileError(source, ["this folder contains no file that ends in .toml"])
    return files


def _may_be_profile(name: str) -> bool:
    """Say whether a file of a folder is not one that tools keep beside profiles."""
    return name != "pyproject.toml" and not name.startswith(".")


def benchmarks_of(profiles: Iterable[Profile]) -> list[Benchmark]:
    """Return the records of all benchmarks that profiles have, in the order of running.

    The shipped benchmarks come first, in their order, then your own in the order of the profiles. A
    benchmark that several profiles have appears once, with the description of the first.
    """
    configs: dict[str, BenchmarkConfig] = {}
    for profile in profiles:
        for name in profile.benchmark_names:
            configs.setdefault(name, profile.benchmarks[name])
    found = [record for record in BENCHMARKS if record.name in configs]
    for name, config in configs.items():
        if not is_shipped(name):
            before = found[-1].name if found else ""
            found.append(_own(name, before, config, configs))
    return found


def _own(
    name: str, before: str, config: BenchmarkConfig, others: Mapping[str, BenchmarkConfig]
) -> Benchmark:
    """Make the record of an own benchmark; a search needs the parts of what it searches."""
    searched = config.capacity
    if searched is not None:
        record = _own(name, before, others[searched.of], others)
        return replace(
            record,
            group=config.asset_group or OWN_GROUP,
            summary=_SUMMARIES[config.scaling is not None].format(of=searched.of),
            description=config.description or _DESCRIPTIONS[config.scaling is not None],
        )
    parts = {
        kind.part
        for scenario in config.scenarios.values()
        if (kind := iteration_kind(scenario.exec)) is not None
    }
    return own_benchmark(
        name,
        after=before,
        group=config.asset_group or OWN_GROUP,
        description=config.description,
        kinds=frozenset(_LABELS[part] for part in parts),
    )
