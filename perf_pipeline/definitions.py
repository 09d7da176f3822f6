"""Dagster's front door: one explicit list of everything that there is.

Add here: the name of a new asset, job or schedule. Keep out: everything else.
Dagster concept: definitions, https://docs.dagster.io/guides/build/projects-and-components
"""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from perf_pipeline.benchmarks.registry import BENCHMARKS
from perf_pipeline.config.loading import shipped_profiles
from perf_pipeline.defs.benchmarks import all_checks, benchmark_assets
from perf_pipeline.defs.jobs import job
from perf_pipeline.defs.resources import PerfRun
from perf_pipeline.defs.schedules import weekly_schedule
from perf_pipeline.defs.seeded_users import seeded_users
from perf_pipeline.defs.verdicts import (
    baseline_diff,
    bottlenecks,
    confirmation,
    report,
    threshold_checks,
)


def build_defs(resource_overrides: Mapping[str, Any] | None = None) -> dg.Definitions:
    """Build the definitions anew; tests replace resources."""
    profiles = shipped_profiles()
    return dg.Definitions(
        assets=[
            seeded_users,
            *benchmark_assets(BENCHMARKS),
            threshold_checks,
            confirmation,
            baseline_diff,
            bottlenecks,
            report,
        ],
        asset_checks=all_checks(profiles),
        jobs=[job(profile) for profile in profiles],
        schedules=[weekly_schedule()],
        resources={"perf_run": PerfRun(), **(resource_overrides or {})},
        executor=dg.in_process_executor,
    )


defs = build_defs()
