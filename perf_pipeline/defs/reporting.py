"""End a run in Dagster: its report, its gate, and the sentence with which it fails.

Add here: another thing to show at the end of a run. Keep out: judging (judging/). Dagster concept:
asset checks that block, https://docs.dagster.io/guides/test/asset-checks
"""

from collections.abc import Iterator
from typing import Any, Final

import dagster as dg

from perf_pipeline.defs.metadata.judgement import gate_result, reasons_metadata, report_metadata
from perf_pipeline.defs.resources import PerfRun, run_tags
from perf_pipeline.judging.publish import publish
from perf_pipeline.report.first_screen import verdict_sentence
from perf_pipeline.report.headline import ended
from perf_pipeline.report.model import RunReport
from perf_pipeline.report.terminal import render_terminal
from perf_pipeline.report.wording import OUTCOMES
from perf_pipeline.runs.sending import send_measured
from perf_pipeline.runs.sharing import share_measured

_LOG_WIDTH: Final = 100


def reported(
    context: dg.AssetExecutionContext, perf_run: PerfRun
) -> Iterator[dg.MaterializeResult[Any]]:
    """Write the reports of a run, show them with the gate, and fail if the gate fails."""
    made = publish(perf_run.state_folder, perf_run.judged_run_id, profile=perf_run.judging_profile)
    send_measured(perf_run.open_session)
    share_measured(perf_run.open_session)
    context.log.info("\n%s", render_terminal(made, width=_LOG_WIDTH))
    tags = run_tags({"verdict": OUTCOMES[made.exit_code]})
    context.instance.add_run_tags(context.run.run_id, tags)
    shown = report_metadata(made, perf_run.report_link(made.run_id))
    yield dg.MaterializeResult(metadata=shown, check_results=[gate_result(made)])
    require_passed(made)


def require_passed(report: RunReport) -> None:
    """Fail the step with a sentence, so that the run page shows the reason and not our stack trace.

    Otherwise the blocking check would fail the step, which only says that a check failed.

    Raises:
        dagster.Failure: the command line would not have ended with 0.
    """
    if report.exit_code:
        raise dg.Failure(
            description=f"{verdict_sentence(report)} {ended(report)}",
            metadata=reasons_metadata(report),
            allow_retries=False,
        )
