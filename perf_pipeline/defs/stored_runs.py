"""Show runs that Dagster did not make as materialisations of assets and their checks.

Add here: another asset that a stored run materialises. Keep out: reporting runs (sync.py), and what
an asset shows (metadata/). Dagster concept: external assets,
https://docs.dagster.io/guides/build/assets/external-assets
"""

from collections.abc import Iterator, Mapping
from typing import Final

import dagster as dg

from perf_pipeline.config.check_names import named_verdicts
from perf_pipeline.defs.metadata.benchmarks import benchmark_metadata, check_result
from perf_pipeline.defs.metadata.cells import Metadata
from perf_pipeline.defs.metadata.judgement import (
    diffs_metadata,
    findings_metadata,
    gate_result,
    report_metadata,
    verdicts_metadata,
)
from perf_pipeline.defs.resources import run_facts
from perf_pipeline.report.links import report_link
from perf_pipeline.report.model import UNMEASURED, RunReport
from perf_pipeline.report.revisions import revision_name

RUN_TAG: Final = "perf_pipeline/run"
"""The tag of a materialisation that names the stored run."""
REPORT: Final = "report"
AssetEvents = tuple[dg.AssetMaterialization, tuple[dg.AssetCheckEvaluation, ...]]


def events_of(report: RunReport, environ: Mapping[str, str]) -> Iterator[AssetEvents]:
    """Yield the materialisation of each asset of a run with its checks; the report comes last.

    A benchmark that did not run is not materialised; the gate says that it is missing.

    Args:
        report: the report of the run.
        environ: the environment, in which PERF_REPORTS_URL says where reports are served.
    """
    link = report_link(environ, report.run_id)
    for benchmark in report.benchmarks:
        if benchmark.status not in UNMEASURED or benchmark.summaries:
            shown = benchmark_metadata(
                report.run_id, benchmark, facts_of(report), diffs=report.diffs, link=link
            )
            results = (
                check_result(benchmark.name, name, verdict)
                for name, verdict in named_verdicts(benchmark.verdicts)
            )
            yield _materialization(report, benchmark.name, shown), tuple(map(_evaluation, results))
    for asset, shown in _judgement(report).items():
        yield _materialization(report, asset, shown), ()
    gate = _evaluation(gate_result(report), REPORT)
    yield _materialization(report, REPORT, report_metadata(report, link)), (gate,)


def facts_of(report: RunReport) -> dict[str, str]:
    """Return the main facts of a run, as the assets of Dagster's own runs show them."""
    target = report.target.partition(":")[0]
    return run_facts(report.profile, target, report.revision, report.tags)


def _judgement(report: RunReport) -> dict[str, Metadata]:
    verdicts = {benchmark.name: benchmark.verdicts for benchmark in report.benchmarks}
    return {
        "threshold_checks": verdicts_metadata(report.run_id, verdicts),
        "baseline_diff": diffs_metadata(report.run_id, report.diffs),
        "bottlenecks": findings_metadata(report.run_id, report.findings, report.attributions),
    }


def _materialization(report: RunReport, asset: str, shown: Metadata) -> dg.AssetMaterialization:
    version = "+".join(filter(None, (revision_name(report.revision), report.run_id)))
    return dg.AssetMaterialization(
        asset_key=dg.AssetKey(asset),
        description=f"Run {report.run_id}, made outside of Dagster.",
        metadata=shown,
        tags={RUN_TAG: report.run_id, "dagster/data_version": version},
    )


def _evaluation(result: dg.AssetCheckResult, asset: str = "") -> dg.AssetCheckEvaluation:
    key = dg.AssetKey(asset) if asset else result.asset_key
    assert key is not None
    assert result.check_name is not None
    return dg.AssetCheckEvaluation(
        asset_key=key,
        check_name=result.check_name,
        passed=result.passed,
        metadata=result.metadata,
        severity=result.severity,
        description=result.description,
        blocking=False,
    )
