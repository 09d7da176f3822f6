"""Tell a team that a run failed, where it reads: any address that takes Slack's JSON.

Add here: another place to tell. Keep out: what fails a run (the gate, judging/).
Dagster concept: run status sensors, https://docs.dagster.io/guides/automate/sensors
"""

import os
from collections.abc import Sequence
from typing import Final

import dagster as dg
import httpx
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from perf_pipeline.defs.metadata.judgement import GATE
from perf_pipeline.secrecy.known import KNOWN

Job = dg.JobDefinition | UnresolvedAssetJobDefinition
NAME: Final = "perf_alert"
_TIMEOUT_S: Final = 10.0


def alert_sensor(jobs: Sequence[Job], variable: str) -> dg.SensorDefinition:
    """Make the sensor that posts `{"text": ...}` when a run of these jobs fails.

    Slack's incoming webhooks take that, and so do Mattermost, Rocket.Chat and many others
    (https://api.slack.com/messaging/webhooks). A receiver that refuses is an error of the tick,
    which Dagster shows; the run is what it was.

    Args:
        jobs: whose runs count.
        variable: the environment variable that holds the address, which is a secret.
    """

    @dg.run_failure_sensor(
        name=NAME,
        monitored_jobs=list(jobs),
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Posts each failed run and its reasons to the address in {variable}.",
    )
    def tell(context: dg.RunFailureSensorContext) -> None:
        post(os.environ.get(variable, ""), sentence_of(context), variable)

    return tell


def sentence_of(context: dg.RunFailureSensorContext) -> str:
    """Say which run failed and why: its gate, or an error that Dagster caught before it."""
    run = context.dagster_run
    gates = [
        event.asset_check_evaluation_data.description
        for record in context.instance.get_records_for_run(
            run.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION
        ).records
        if (event := record.event_log_entry.dagster_event)
        and event.asset_check_evaluation_data.check_name == GATE
    ]
    why = (gates[-1] if gates else None) or context.failure_event.message or "no reason was given"
    return f"{run.job_name}, run {run.run_id}: {why}"


def post(address: str, text: str, variable: str) -> None:
    """Send a text to a receiver.

    Args:
        address: of the receiver; empty where the variable is not set.
        text: masked before it is sent.
        variable: that holds the address; an error names it and not the address.

    Raises:
        dagster.Failure: nobody took the text.
    """
    if not address:
        raise dg.Failure(f"nobody was told: the variable {variable} is not set")
    KNOWN.add(address)
    try:
        answer = httpx.post(address, json={"text": KNOWN.mask(text)}, timeout=_TIMEOUT_S)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        why = KNOWN.mask(f"{type(error).__name__}: {error}")
        raise dg.Failure(f"nobody was told: the address in {variable} failed, {why}") from None
    if not answer.is_success:
        raise dg.Failure(
            f"nobody was told: the address in {variable} answered {answer.status_code}"
        )
