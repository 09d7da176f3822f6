"""The asset check that fails if the last valid run is too old, and the sensor that evaluates it.

Dagster's own freshness policies count any materialisation, even the report of a run in which
nothing was valid. Add here: another thing that becomes stale. Keep out: the definition of a valid
run (judging/freshness.py). Dagster concept: asset checks,
https://docs.dagster.io/guides/test/asset-checks
"""

from datetime import UTC, datetime, timedelta
from typing import Final

import dagster as dg

from perf_pipeline.errors import PerfPipelineError
from perf_pipeline.store.state import State
from perf_pipeline.units import US_PER_S, format_duration

CHECK: Final = "fresh"
EVERY_S: Final = 600
_CLOCKS_DIFFER: Final = timedelta(minutes=5)
"""Clocks of two machines differ by less, as a run of another one may be pulled at its end."""
_REPORT: Final = dg.AssetKey("report")


def freshness_of(state: State, within: timedelta) -> dg.Definitions:
    """Make the check `fresh` of `report`, and the sensor that evaluates it every ten minutes.

    Args:
        state: folder of the history.
        within: how old the last valid run may be.
    """
    days = f"{within / timedelta(days=1):g} days"

    @dg.asset_check(
        asset=_REPORT, name=CHECK, description=f"Fails if no valid run began within {days}."
    )
    def fresh() -> dg.AssetCheckResult:
        passed, sentence = age_of(state, within, datetime.now(UTC))
        return dg.AssetCheckResult(passed=passed, description=sentence)

    @dg.sensor(
        name="perf_freshness",
        minimum_interval_seconds=EVERY_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Evaluates the check {CHECK} of report: a valid run within {days}.",
    )
    def watch(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        return looked(state, within, context.cursor or "", datetime.now(UTC))

    return dg.Definitions(asset_checks=[fresh], sensors=[watch])


def looked(state: State, within: timedelta, before: str, now: datetime) -> dg.SensorResult:
    """Evaluate the check if it has changed since the sensor's last look.

    Args:
        state: folder of the history.
        within: how old the last valid run may be.
        before: the cursor: `fresh`, `stale`, or empty at the first look.
        now: the current time, with a time zone.
    """
    try:
        passed, sentence = age_of(state, within, now)
    except PerfPipelineError as error:
        return dg.SensorResult(skip_reason=error.sentence, cursor=before)
    after = "fresh" if passed else "stale"
    if after == before:
        return dg.SensorResult(skip_reason=sentence, cursor=before)
    evaluation = dg.AssetCheckEvaluation(
        asset_key=_REPORT, check_name=CHECK, passed=passed, description=sentence
    )
    return dg.SensorResult(asset_events=[evaluation], cursor=after)


def age_of(state: State, within: timedelta, now: datetime) -> tuple[bool, str]:
    """Say whether the last valid run is recent enough, and how old it is.

    Raises:
        StoreBusyError: the history is open elsewhere.
    """
    from perf_pipeline.judging.freshness import last_valid_run

    found = last_valid_run(state)
    if found is None:
        return False, "There is no valid run, so nothing is known of the target."
    run_id, began_at = found
    if began_at - now > _CLOCKS_DIFFER:
        return False, (
            f"The last valid run, {run_id}, is dated {began_at:%Y-%m-%d %H:%M} UTC, which is still "
            "to come by this machine's clock, so its age is not known. Set the clock, or run again."
        )
    age_s = max(0, round((now - began_at).total_seconds()))
    age = format_duration(age_s * US_PER_S)
    limit = format_duration(round(within.total_seconds()) * US_PER_S)
    sentence = f"The last valid run, {run_id}, began {age} ago; it may be {limit} old."
    return now - began_at <= within, sentence
