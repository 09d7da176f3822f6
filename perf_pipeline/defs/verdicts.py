"""The assets that judge: thresholds, re-runs, baseline, bottlenecks, report, and the one gate.

If they are materialised alone, they need no stack and judge the newest run again.
Add here: a judgement of a whole run. Keep out: judging itself (judging/, analysis/). Dagster
concept: asset checks that block, https://docs.dagster.io/guides/test/asset-checks
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

import dagster as dg

from perf_pipeline.defs.benchmarks import OWNERS, POOL
from perf_pipeline.defs.checks import GATE
from perf_pipeline.defs.resources import PerfRun
from perf_pipeline.secrecy.exceptions import masked_exceptions

THRESHOLD_CHECKS: Final = "threshold_checks"

LABELS: Final[dict[str, Any]] = {
    "group_name": "judgement",
    "kinds": {"python", "duckdb"},
    "owners": list(OWNERS),
}


def threshold_checks_of(benchmarks: Iterable[str]) -> dg.AssetsDefinition:
    """Make the asset that judges these benchmarks when all that a run selects are done."""

    @dg.asset(name=THRESHOLD_CHECKS, deps=list(benchmarks), **LABELS)
    @masked_exceptions()
    def threshold_checks(perf_run: PerfRun) -> dg.MaterializeResult:
        """Judge every benchmark of the run by the profile's thresholds.

        PASS, WARN, FAIL, NO_DATA (nothing was measured, which is no success) or INVALID (the load
        generator was the limit). Materialised alone, it judges the newest stored run.
        """
        from perf_pipeline.defs.metadata.judgement import verdicts_metadata
        from perf_pipeline.judging.judge import judge_run

        run_id = perf_run.judged_run_id
        verdicts = judge_run(perf_run.state_folder, run_id, profile=perf_run.judging_profile)
        return dg.MaterializeResult(metadata=verdicts_metadata(run_id, verdicts))

    made: dg.AssetsDefinition = threshold_checks  # the decorator's type is lost with **kwargs
    return made


@dg.asset(deps=[THRESHOLD_CHECKS], pool=POOL, **LABELS)
@masked_exceptions()
def confirmation(perf_run: PerfRun) -> dg.MaterializeResult:
    """Run suspect benchmarks again in the same session, so that the majority of runs decides.

    Only its own benchmark, on the same stack, `confirm` times at most; several take turns. Each
    re-run is a run of the history. Nothing is loaded when nothing is suspect, or when the run only
    judges.
    """
    from perf_pipeline.defs.metadata.judgement import confirmation_metadata
    from perf_pipeline.runs.confirm import confirm_run

    run_id, profile = perf_run.judged_run_id, perf_run.judging_profile
    found = confirm_run(
        perf_run.open_session,
        perf_run.state_folder,
        run_id,
        profile=profile,
        at_most=perf_run.confirm,
    )
    return dg.MaterializeResult(metadata=confirmation_metadata(run_id, found))


@dg.asset(deps=["confirmation"], **LABELS)
@masked_exceptions()
def baseline_diff(perf_run: PerfRun) -> dg.MaterializeResult:
    """Compare the run with the runs before it and with pinned figures.

    Only with valid runs of the same profile, load and environment; a baseline needs five of them.
    """
    from perf_pipeline.defs.metadata.judgement import diffs_metadata
    from perf_pipeline.judging.compare import compare_run

    run_id = perf_run.judged_run_id
    diffs = compare_run(perf_run.state_folder, run_id, profile=perf_run.judging_profile)
    return dg.MaterializeResult(metadata=diffs_metadata(run_id, diffs))


@dg.asset(name="bottlenecks", deps=["baseline_diff"], **LABELS)
@masked_exceptions()
def bottlenecks(perf_run: PerfRun) -> dg.MaterializeResult:
    """Go through the checklist: which tier is near its limit, and what to do about it.

    Every rule with its evidence from this run, also those that found nothing.
    """
    from perf_pipeline.defs.metadata.judgement import findings_metadata
    from perf_pipeline.judging.attribution import attributions_of_run
    from perf_pipeline.judging.evidence import findings_of_run

    run_id, profile = perf_run.judged_run_id, perf_run.judging_profile
    findings = findings_of_run(perf_run.state_folder, run_id, profile=profile)
    tiers = attributions_of_run(perf_run.state_folder, run_id, profile=profile)
    return dg.MaterializeResult(metadata=findings_metadata(run_id, findings, tiers))


@dg.asset(
    deps=["bottlenecks"],
    check_specs=[
        dg.AssetCheckSpec(
            GATE,
            asset="report",
            blocking=True,
            description="Fails when a threshold failed, a regression is confirmed, or something "
            "could not be measured; the run then fails as well, when everything is stored.",
        )
    ],
    **LABELS,
)
def report(
    context: dg.AssetExecutionContext, perf_run: PerfRun
) -> Iterator[dg.MaterializeResult[Any]]:
    """Write the run's reports: HTML, Markdown, JSON in k6's shape, JUnit.

    Its check `gate` is the only one that fails a run, here at the very end.
    """
    from perf_pipeline.defs.reporting import reported

    with masked_exceptions():
        yield from reported(context, perf_run)


AFTER_THRESHOLDS: Final = (confirmation, baseline_diff, bottlenecks, report)
"""What judges a run when its thresholds are judged, in order."""
JUDGEMENT: Final = (THRESHOLD_CHECKS, *(asset.key.to_user_string() for asset in AFTER_THRESHOLDS))
"""The names of all assets that judge, in order."""
