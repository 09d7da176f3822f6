"""Make the definitions of a code location from the profiles that it is given.

Add here: something else that every code location has. Keep out: profiles (config/), and the work of
a single asset. Dagster concept: definitions,
https://docs.dagster.io/guides/build/projects-and-components
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from perf_pipeline.benchmarks.record import Benchmark
from perf_pipeline.config.given_profiles import GivenProfile, benchmarks_of
from perf_pipeline.config.needed_parts import draws_users
from perf_pipeline.config.profile import Profile
from perf_pipeline.defs.benchmarks import OWNERS, benchmark_assets, checks_of
from perf_pipeline.defs.duet import duet_asset, duet_job, duet_names
from perf_pipeline.defs.jobs import job_of, require_own_names
from perf_pipeline.defs.references import with_references
from perf_pipeline.defs.resources import DEFAULT, PerfRun
from perf_pipeline.defs.seeded_users import seeded_users
from perf_pipeline.defs.settings import with_defaults
from perf_pipeline.defs.verdicts import AFTER_THRESHOLDS, threshold_checks_of


@dataclass(frozen=True, slots=True)
class Labels:
    """Hold labels that a code location gives all its assets.

    Attributes:
        owners: e-mail addresses, or teams as `team:name`.
        tags: the tags by name.
    """

    owners: Sequence[str] = OWNERS
    tags: Mapping[str, str] = field(default_factory=dict)


def definitions_of(
    given: Sequence[GivenProfile],
    *,
    perf_run: PerfRun | None = None,
    labels: Labels | None = None,
    resources: Mapping[str, Any] | None = None,
) -> dg.Definitions:
    """Make the assets, asset checks and jobs of all benchmarks that the profiles have.

    Each profile is a job of its enabled benchmarks. An asset that is materialised by hand uses the
    profile `quick` if that is given, else the first profile.

    Args:
        given: the profiles, at least one.
        perf_run: the settings of every run except its profile and benchmarks.
        labels: the labels of all assets.
        resources: resources that replace those with the same key.

    Raises:
        ProfileError: a name means two things in Dagster.
    """
    profiles = [entry.profile for entry in given]
    records = benchmarks_of(profiles)
    names = [record.name for record in records]
    require_own_names(given, names)
    usual = _usual(given)
    run = with_defaults(perf_run or PerfRun(), usual_profile=usual, benchmarks=names)
    duets = duet_names(given, names)
    return dg.Definitions(
        assets=[
            *with_references(_assets(profiles, records, labels or Labels()), given),
            *(duet_asset(name, entry) for name, entry in duets.items()),
        ],
        asset_checks=[checks_of(name, profiles) for name in names],
        jobs=[
            *(job_of(entry, names) for entry in given),
            *(duet_job(name, entry) for name, entry in duets.items()),
        ],
        resources={"perf_run": run, **(resources or {})},
    )


def _assets(
    profiles: Sequence[Profile], records: Sequence[Benchmark], labels: Labels
) -> list[dg.AssetsDefinition]:
    """Make the seeded users if needed, every benchmark, and the assets that judge them."""
    users = {
        name for profile in profiles for name in profile.benchmarks if draws_users(profile, name)
    }
    assets = [
        *([seeded_users] if users else []),
        *benchmark_assets(records, users),
        threshold_checks_of(record.name for record in records),
        *AFTER_THRESHOLDS,
    ]
    return list(dg.map_asset_specs(lambda spec: _labelled(spec, labels), assets))


def _labelled(spec: dg.AssetSpec, labels: Labels) -> dg.AssetSpec:
    return spec.replace_attributes(owners=list(labels.owners)).merge_attributes(
        tags=dict(labels.tags)
    )


def _usual(given: Sequence[GivenProfile]) -> str:
    """Return `quick` if it is among the profiles, else the first profile."""
    sources = [entry.source for entry in given]
    return DEFAULT if DEFAULT in sources else sources[0]
