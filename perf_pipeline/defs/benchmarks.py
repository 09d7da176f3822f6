"""Make the assets of all benchmarks and their asset checks from the benchmarks' records.

Add here: something that every benchmark's asset has. Keep out: any single benchmark (benchmarks/).
Dagster concepts: asset factories,
https://docs.dagster.io/guides/build/assets/creating-asset-factories and asset checks,
https://docs.dagster.io/guides/test/asset-checks
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final

import dagster as dg

from perf_pipeline.benchmarks.record import Benchmark
from perf_pipeline.config.check_names import named_verdicts, subjects_of
from perf_pipeline.config.profile import Profile
from perf_pipeline.defs.left_out import left_out_asset, left_out_checks
from perf_pipeline.defs.resources import PerfRun
from perf_pipeline.secrecy.exceptions import masked_exceptions

POOL: Final = "load_generator"
OWNERS: Final = ("team:performance",)
SEEDED: Final = "seeded_users"
"""The asset that every benchmark of users depends on."""


def labels(group: str, *kinds: str, priority: int = 0) -> dict[str, Any]:
    """Return the properties of every measuring asset: pool, group, kinds, owners, priority.

    Benchmarks do not depend on one another. Of the steps that are ready, Dagster's in-process
    executor runs the one with the highest priority, and the next one only when that is done, so
    that they are measured in order and never at the same time.
    """
    return {
        "pool": POOL,
        "group_name": group,
        "kinds": {"python", *kinds},
        "owners": list(OWNERS),
        "op_tags": {"dagster/priority": str(priority)},
    }


def benchmark_assets(
    records: Sequence[Benchmark], of_users: Collection[str] = ()
) -> list[dg.AssetsDefinition]:
    """Make the asset of each benchmark; only benchmarks of users depend on something, the seeding.

    Args:
        records: in the order of running.
        of_users: the names of benchmarks that read, change or delete the seeded users in some
            profile.
    """
    return [
        benchmark_asset(
            record,
            [SEEDED] if record.name in of_users else [],
            priority=len(records) - place,
        )
        for place, record in enumerate(records)
    ]


def benchmark_asset(
    record: Benchmark, deps: Sequence[str], *, priority: int
) -> dg.AssetsDefinition:
    """Make the asset that measures one benchmark after others are done."""

    @dg.asset(
        name=record.name,
        deps=list(deps),
        description=f"{record.summary}\n\n{record.description}",
        **labels(record.group, *record.kinds, priority=priority),
    )
    def benchmark(perf_run: PerfRun) -> dg.MaterializeResult:
        return measured(perf_run, record.name)

    made: dg.AssetsDefinition = benchmark  # the decorator's type is lost with **kwargs
    return made


@masked_exceptions()
def measured(perf_run: PerfRun, benchmark: str) -> dg.MaterializeResult:
    """Run one benchmark and show its result; a missed threshold does not fail the asset.

    A benchmark that the profile leaves out sends no load and says so.
    """
    from perf_pipeline.defs.metadata.benchmarks import benchmark_metadata
    from perf_pipeline.runs.benchmarking import run_benchmark

    if why := perf_run.left_out(benchmark):
        return left_out_asset(why)
    found = run_benchmark(perf_run.session(), benchmark)
    return dg.MaterializeResult(
        metadata={
            **benchmark_metadata(
                found.run_id, found.report, perf_run.facts, link=perf_run.report_link(found.run_id)
            ),
            "dagster/row_count": dg.MetadataValue.int(found.ingested.samples),
        },
        data_version=dg.DataVersion(perf_run.data_version),
    )


def checks_of(benchmark: str, profiles: Sequence[Profile]) -> dg.AssetChecksDefinition:
    """Make the asset checks of a benchmark: one per subject of any profile's thresholds.

    They are named after what is judged and not after the bound, so that their history survives when
    a bound changes. A run by a profile that the code location was not given may have other
    thresholds, which are in the verdict tables.
    """
    names = subjects_of(benchmark, profiles)

    @dg.multi_asset_check(
        name=f"{benchmark}_thresholds",
        specs=[
            dg.AssetCheckSpec(name, asset=benchmark, description=sentence)
            for name, sentence in names.items()
        ],
        can_subset=True,
    )
    def thresholds(
        context: dg.AssetCheckExecutionContext, perf_run: PerfRun
    ) -> Iterator[dg.AssetCheckResult]:
        wanted = {key.name for key in context.selected_asset_check_keys}
        yield from checked(perf_run, benchmark, wanted)

    return thresholds


def checked(perf_run: PerfRun, benchmark: str, wanted: set[str]) -> Iterator[dg.AssetCheckResult]:
    """Show the stored verdicts of a benchmark, or warnings if the run leaves it out.

    If they are evaluated alone, checks show the last run that has the benchmark.
    """
    from perf_pipeline.defs.metadata.benchmarks import check_result
    from perf_pipeline.judging.stored import stored_verdicts

    if why := perf_run.left_out(benchmark):
        yield from left_out_checks(benchmark, perf_run.used_profile, wanted, why)
        return
    run_id = perf_run.judged_run_of(benchmark)
    for name, verdict in named_verdicts(stored_verdicts(perf_run.state_folder, run_id, benchmark)):
        if name in wanted:
            yield check_result(benchmark, name, verdict)
