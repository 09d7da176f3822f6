"""Read what Dagster knows of a failed run: its gate's sentence, or an earlier error.

Add here: another thing that Dagster knows of a failed run. Keep out: who gets alerts (alerts.py).
Dagster concept: event log, https://docs.dagster.io/guides/log-debug/logging
"""

import os
from collections.abc import Mapping
from typing import Final

import dagster as dg

from perf_pipeline.alerting.alert import Alert, unmeasured_outcome
from perf_pipeline.config.alerts import Outcome
from perf_pipeline.defs.checks import GATE
from perf_pipeline.defs.resources import facts_among
from perf_pipeline.report.links import report_link

_OUTCOMES: Final[Mapping[str, Outcome]] = {"FAIL": "failed", "REGRESSED": "regressed"}
_LIST_MARK: Final = "- "


def alert_from(instance: dg.DagsterInstance, run: dg.DagsterRun) -> Alert:
    """Return the alert of a failed run."""
    tags = facts_among(run.tags)
    gate = _gate_of(instance, run.run_id)
    reasons = _reasons(gate)
    judged = _text(gate, "run") or run.run_id
    return Alert(
        outcome=_OUTCOMES.get(_text(gate, "outcome")) or unmeasured_outcome(reasons),
        run=judged,
        profile=tags.get("profile", run.job_name),
        target=tags.get("target", "its target"),
        version=tags.get("version", ""),
        sentence=_text(gate, "sentence") or _error_of(instance, run.run_id),
        reasons=reasons,
        link=report_link(os.environ, judged),
    )


def _gate_of(instance: dg.DagsterInstance, run_id: str) -> dg.AssetCheckEvaluation | None:
    records = instance.get_records_for_run(
        run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION
    ).records
    found = [
        event.asset_check_evaluation_data
        for record in records
        if (event := record.event_log_entry.dagster_event)
    ]
    return next((gate for gate in reversed(found) if gate.check_name == GATE), None)


def _text(gate: dg.AssetCheckEvaluation | None, name: str) -> str:
    value = gate.metadata.get(name) if gate else None
    return "" if value is None else str(value.value)


def _reasons(gate: dg.AssetCheckEvaluation | None) -> tuple[str, ...]:
    listed = _text(gate, "reasons").splitlines()
    return tuple(line.removeprefix(_LIST_MARK) for line in listed if line.startswith(_LIST_MARK))


def _error_of(instance: dg.DagsterInstance, run_id: str) -> str:
    """Say what Dagster caught before there was a verdict."""
    for kind in (dg.DagsterEventType.STEP_FAILURE, dg.DagsterEventType.RUN_FAILURE):
        for record in instance.get_records_for_run(run_id, of_type=kind).records:
            event = record.event_log_entry.dagster_event
            if event is None:
                continue
            error = event.step_failure_data.error if event.is_step_failure else None
            cause = error and (error.cause or error)
            told = cause.message.strip() if cause else event.message
            return f"The run failed before it was judged: {told or 'no reason was given'}"
    return "The run failed before it was judged, and Dagster gave no reason."
