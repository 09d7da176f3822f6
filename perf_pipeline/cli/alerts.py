"""Alert people to the run of a command, as its profile's `[alerts]` says.

Add here: another case in which a command sends an alert. Keep out: texts and receivers (alerting/).
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from perf_pipeline.errors import ExitCode, PerfPipelineError

if TYPE_CHECKING:
    from perf_pipeline.alerting.alert import Alert
    from perf_pipeline.config.profile import Profile
    from perf_pipeline.report.model import RunReport


def alert_of_run(profile: "Profile", report: "RunReport") -> None:
    """Send an alert for a run that did not pass; the exit code remains the run's."""
    if profile.alerts is None:
        return
    from perf_pipeline.alerting.alert import alert_of
    from perf_pipeline.report.links import report_link

    alert = alert_of(report, report_link(os.environ, report.run_id))
    if alert is not None:
        _send(profile, alert)


@contextmanager
def told_of_trouble(profile: "Profile") -> Iterator[None]:
    """Send an alert for a run that measured nothing and so has no report."""
    try:
        yield
    except PerfPipelineError as error:
        if profile.alerts is not None and error.exit_code is ExitCode.NOT_MEASURED:
            from perf_pipeline.alerting.alert import Alert

            alert = Alert("notMeasured", "", profile.name, profile.target, "", error.sentence)
            _send(profile, alert)
        raise


def _send(profile: "Profile", alert: "Alert") -> None:
    from perf_pipeline.alerting.sending import send

    alerts = profile.alerts
    if alerts is None or alert.outcome not in alerts.on:
        return
    for receiver, trouble in send(alert, alerts, os.environ).items():
        sent = f"alert to {receiver} failed: {trouble}" if trouble else f"alert sent to {receiver}"
        click.echo(sent, err=True)
