"""Send one alert for each Dagster run that did not pass; receivers that refuse are tried again.

Add here: another kind of run that sends alerts. Keep out: the text and sending it (alerting/), and
failing a run (the gate, judging/). Dagster concept: sensors with a cursor,
https://docs.dagster.io/guides/automate/sensors
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Self

import dagster as dg

from perf_pipeline.config.alerts import Alerts

NAME: Final = "perf_alert"
EVERY_S: Final = 30
_MOST_AT_ONCE: Final = 20
_MOST_ATTEMPTS: Final = 40


def alert_sensor(alerts: Mapping[str, Alerts]) -> dg.SensorDefinition:
    """Make the sensor that sends alerts for failed runs of some jobs, once it is switched on.

    Args:
        alerts: who gets alerts, by job.
    """

    @dg.sensor(
        name=NAME,
        minimum_interval_seconds=EVERY_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Tells people of runs that did not pass, each once, as `alerts` says.",
    )
    def tell(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        now, said = told(context.instance, Told.read(context.cursor), alerts)
        return dg.SensorResult(skip_reason=said, cursor=now.text)

    return tell


@dataclass(frozen=True, slots=True)
class Told:
    """Remember for which runs alerts were sent.

    Attributes:
        since_s: runs that ended before this time, in s since 1970, send no alerts.
        done: runs that ended since then and were reported.
        waiting: receivers that have refused so far, by run.
        attempts: how often they were tried, by run.
    """

    since_s: float
    done: tuple[str, ...] = ()
    waiting: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    attempts: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def read(cls, cursor: str | None) -> Self:
        """Read a cursor; without one, all runs up to now count as old."""
        if not cursor:
            return cls(datetime.now(UTC).timestamp())
        found = json.loads(cursor)
        waiting = {run_id: tuple(names) for run_id, names in found["waiting"].items()}
        return cls(found["since_s"], tuple(found["done"]), waiting, found["attempts"])

    @property
    def text(self) -> str:
        """Write this as a cursor."""
        return json.dumps(
            {
                "since_s": self.since_s,
                "done": list(self.done),
                "waiting": {run_id: list(names) for run_id, names in self.waiting.items()},
                "attempts": dict(self.attempts),
            }
        )


def told(
    instance: dg.DagsterInstance, before: Told, alerts: Mapping[str, Alerts]
) -> tuple[Told, str]:
    """Send alerts for new failures and for refused ones; return what to remember.

    After forty refusals, some twenty minutes, a receiver is given up, and that is logged.
    """
    from perf_pipeline.alerting.sending import receivers_of

    done, since_s = list(before.done), before.since_s
    waiting, attempts = dict(before.waiting), dict(before.attempts)
    for record in _failed_since(instance, before):
        run = record.dagster_run
        since_s = max(since_s, record.update_timestamp.timestamp())
        done.append(run.run_id)
        if run.job_name in alerts:
            waiting[run.run_id] = receivers_of(alerts[run.job_name])
    sentences: list[str] = []
    for run_id, receivers in list(waiting.items()):
        attempts[run_id] = attempts.get(run_id, 0) + 1
        refused = _told_of(instance, run_id, receivers, alerts)
        is_over = attempts[run_id] >= _MOST_ATTEMPTS
        sentences += _sentences(run_id, receivers, refused, is_over=is_over)
        if not refused or is_over:
            waiting.pop(run_id), attempts.pop(run_id)
        else:
            waiting[run_id] = tuple(refused)
    now = Told(since_s, tuple(done[-_MOST_AT_ONCE * 2 :]), waiting, attempts)
    return now, "; ".join(sentences) or "no run has failed since"


def _failed_since(instance: dg.DagsterInstance, before: Told) -> list[dg.RunRecord]:
    """Return failed runs, the oldest first, without runs of the last moment that were reported."""
    found = instance.get_run_records(
        dg.RunsFilter(
            statuses=[dg.DagsterRunStatus.FAILURE],
            updated_after=datetime.fromtimestamp(before.since_s - 1, UTC),
        ),
        limit=_MOST_AT_ONCE,
        order_by="update_timestamp",
        ascending=True,
    )
    return [
        record
        for record in found
        if record.dagster_run.run_id not in before.done
        and record.update_timestamp.timestamp() >= before.since_s
    ]


def _told_of(
    instance: dg.DagsterInstance,
    run_id: str,
    receivers: tuple[str, ...],
    alerts: Mapping[str, Alerts],
) -> dict[str, str]:
    """Tell receivers about a run; return those that refused, and what happened."""
    from perf_pipeline.alerting.sending import send
    from perf_pipeline.defs.failed_runs import alert_from

    run = instance.get_run_by_id(run_id)
    wanted = alerts.get(run.job_name) if run else None
    if run is None or wanted is None:
        return {}  # it was deleted, or there is no receiver any more
    alert = alert_from(instance, run)
    if alert.outcome not in wanted.on:
        return {}
    answers = send(alert, wanted, os.environ, only=receivers, pauses_s=())
    return {name: trouble for name, trouble in answers.items() if trouble}


def _sentences(
    run_id: str, receivers: tuple[str, ...], refused: Mapping[str, str], *, is_over: bool
) -> list[str]:
    then = "it is given up" if is_over else "it is tried again"
    told = [name for name in receivers if name not in refused]
    named = [f"alert of run {run_id} sent to {' and '.join(told)}"] if told else []
    return named + [
        f"alert of run {run_id} to {name} failed: {trouble}; {then}"
        for name, trouble in refused.items()
    ]
