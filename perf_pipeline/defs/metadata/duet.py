"""Make the metadata of a comparison of two sides: its verdict, its table, its reports.

Add here: another figure of it. Keep out: comparing (runs/duet.py), words (report/).
Dagster concept: metadata, https://docs.dagster.io/guides/build/assets/metadata-and-tags
"""

import logging
import threading

import dagster as dg

from perf_pipeline.analysis.duet_record import DuetRecord
from perf_pipeline.config.duet import DuetConfig
from perf_pipeline.config.loading import load_profile
from perf_pipeline.defs.duet import VERDICT
from perf_pipeline.defs.narration import LogNarrator
from perf_pipeline.defs.resources import PerfRun
from perf_pipeline.errors import ExitCode, RequestError
from perf_pipeline.report.duet_markdown import render_duet_markdown
from perf_pipeline.report.duet_words import answer_of
from perf_pipeline.runs.duet import run_duet, wish_of


def duet_result(perf_run: PerfRun, source: str, log: logging.Logger) -> dg.MaterializeResult:
    """Compare the two sides of a profile, and show the result.

    Raises:
        RequestError: this run has already reserved the machine for a benchmark that it measures.
    """
    if perf_run.open_session is not None:
        raise RequestError(
            "a duet can't be measured in a run that measures benchmarks; materialize it alone"
        )
    profile = load_profile(source)
    wish = wish_of(profile, profile.duet or DuetConfig())
    state = perf_run.state_folder
    record = run_duet(wish, state=state, narrator=LogNarrator(log), stop=threading.Event())
    return _shown(record, str(state.reports(record.run_id)), perf_run.report_link(record.run_id))


def _shown(record: DuetRecord, folder: str, link: str) -> dg.MaterializeResult:
    linked = {"report": dg.MetadataValue.url(link)} if link else {}
    passed = record.exit_code is ExitCode.OK
    answer = dg.MetadataValue.text(answer_of(record))
    return dg.MaterializeResult(
        metadata={
            "verdict": dg.MetadataValue.text(record.told_verdict),
            "answer": answer,
            "comparison": dg.MetadataValue.md(render_duet_markdown(record)),
            "reports": dg.MetadataValue.path(folder),
            **linked,
        },
        check_results=[
            dg.AssetCheckResult(
                check_name=VERDICT,
                passed=passed,
                metadata={
                    "answer": answer,
                    "exit_code": dg.MetadataValue.int(int(record.exit_code)),
                },
            )
        ],
    )
