"""Dagster's front door: the definitions of the profiles that PERF_PROFILES names, or the shipped.

Add here: nothing; what there is follows from the profiles (defs/graph.py). Keep out: everything.
Dagster concept: definitions, https://docs.dagster.io/guides/build/projects-and-components
"""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import dagster as dg

from perf_pipeline.config.given_profiles import given_profiles, named_in
from perf_pipeline.defs.graph import definitions_of
from perf_pipeline.defs.schedules import WEEKLY, weekly_schedule
from perf_pipeline.defs.sensors import sensors_of


def build_defs(
    profiles: Iterable[str | Path] | None = None,
    *,
    resource_overrides: Mapping[str, Any] | None = None,
) -> dg.Definitions:
    """Build the definitions of a code location that does nothing else.

    Args:
        profiles: shipped names, files that end in .toml, and folders of such files; what the
            variable PERF_PROFILES names where None, and without it the shipped ones.
        resource_overrides: take the place of resources, for tests.

    Raises:
        ProfileError: a profile has mistakes, or two have the same name.
    """
    given = given_profiles(named_in(os.environ) if profiles is None else profiles)
    is_weekly = any(entry.profile.name == WEEKLY for entry in given)
    ours = definitions_of(given, resources=resource_overrides)
    return dg.Definitions.merge(
        ours,
        dg.Definitions(
            schedules=[weekly_schedule()] if is_weekly else [],
            sensors=sensors_of(given, list(ours.jobs or ())),
            executor=dg.in_process_executor,
        ),
    )


defs = build_defs()
