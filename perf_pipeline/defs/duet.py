"""The asset of a comparison of two sides, for each profile that has a section `[duet]`.

It is separate: its job selects nothing else, because it reserves the machine as a run does.
Add here: another thing that such an asset shows. Keep out: comparing (runs/duet.py). Dagster
concepts: assets, https://docs.dagster.io/guides/build/assets and asset checks,
https://docs.dagster.io/guides/test/asset-checks
"""

from collections.abc import Collection, Sequence
from typing import Any, Final

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from perf_pipeline.config.given_profiles import GivenProfile
from perf_pipeline.defs.benchmarks import labels
from perf_pipeline.defs.resources import PerfRun
from perf_pipeline.defs.seeded_users import FIRST
from perf_pipeline.secrecy.exceptions import masked_exceptions

DUET: Final = "duet"
VERDICT: Final = "verdict"


def duet_names(given: Sequence[GivenProfile], taken: Collection[str]) -> dict[str, GivenProfile]:
    """Return the profiles that compare two sides by the names of their assets.

    The asset is `duet`, or `duet_PROFILE` if several profiles have one.

    Args:
        given: all profiles of the code location.
        taken: the names of other assets.
    """
    having = [entry for entry in given if entry.profile.duet is not None]
    found: dict[str, GivenProfile] = {}
    for entry in having:
        name = DUET if len(having) == 1 else f"{DUET}_{entry.profile.name.replace('-', '_')}"
        while name in {*taken, *found}:
            name += "_asset"
        found[name] = entry
    return found


def duet_asset(name: str, given: GivenProfile) -> dg.AssetsDefinition:
    """Make the asset that compares the two sides of a profile."""

    @dg.asset(
        name=name,
        description=f"Says whether the candidate of profile `{given.profile.name}` is slower than "
        "its baseline: both get the same requests at the same time, in turns.",
        check_specs=[
            dg.AssetCheckSpec(
                VERDICT,
                asset=name,
                blocking=True,
                description="Fails when the candidate is slower or fails more, or when it is "
                "undecided.",
            )
        ],
        **labels(DUET, "http", priority=2 * FIRST),
    )
    @masked_exceptions()
    def duet(context: dg.AssetExecutionContext, perf_run: PerfRun) -> dg.MaterializeResult:
        from perf_pipeline.defs.metadata.duet import duet_result

        return duet_result(perf_run, given.source, context.log)

    made: dg.AssetsDefinition = duet  # the decorator's type is lost with **kwargs
    return made


def duet_job(name: str, given: GivenProfile) -> UnresolvedAssetJobDefinition:
    """Make the job that materialises a duet alone."""
    config: dict[str, Any] = {"resources": {"perf_run": {"config": {"profile": given.source}}}}
    return dg.define_asset_job(
        name=f"{name}_job",
        selection=dg.AssetSelection.assets(name),
        description=f"Compares the two sides of profile `{given.profile.name}`.",
        config=config,
        executor_def=dg.in_process_executor,
    )
