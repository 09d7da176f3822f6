"""The command that replays the gate over a history, and explains it to people who don't know it.

Add here: another line of its answer. Keep out: counting (analysis/).
"""

from collections.abc import Iterator
from statistics import median
from typing import TYPE_CHECKING, Final

import click

from perf_pipeline.cli.collecting import collects_rarely
from perf_pipeline.cli.values import Line, Number

if TYPE_CHECKING:
    from perf_pipeline.analysis.backtest import Alarm, GateTally
    from perf_pipeline.judging.backtest import Backtest
    from perf_pipeline.store.state import State

_VERDICT: Final = {
    True: "a real change of level",
    False: "false, no change of level is there",
    None: "too new to know",
}


@click.command()
@click.option(
    "--alpha",
    type=Number(0, 0.5, min_open=True, max_open=True),
    metavar="X",
    help="Try this significance level for a single run, e.g. 0.01.",
)
@click.option(
    "--min-effect",
    type=Number(0, 1, max_open=True),
    metavar="X",
    help="Try this as the smallest change that matters; 0.05 is 5 %.",
)
@click.option(
    "--profile", type=Line(100), default=None, help="Replay only the runs of this profile."
)
@click.pass_obj
@collects_rarely
def backtest(
    state: "State", alpha: float | None, min_effect: float | None, profile: str | None
) -> None:
    """Replay the gate over the stored history: its false alarms, and what it would have caught."""
    from perf_pipeline.judging.asked import require_runs
    from perf_pipeline.judging.backtest import GateSettings
    from perf_pipeline.judging.backtest import backtest as replay

    settings = GateSettings(alpha, min_effect)
    for replayed in replay(require_runs(state), settings, profile=profile or ""):
        for line in _lines(replayed):
            click.echo(line)


def _lines(replayed: "Backtest") -> Iterator[str]:
    from perf_pipeline.report.wording import plural

    policy = replayed.policy
    yield (
        f"profile {replayed.profile}, environment {replayed.environment_id}: "
        f"{plural(replayed.runs, 'run')}, {replayed.series} series (without percentiles from 99 on)"
    )
    yield (
        f"  gate that was tried: alpha {policy.alpha:g}, changes from "
        f"{_percent(policy.minimum_effect)} on, against the {policy.minimum_runs} to "
        f"{policy.window} runs before"
    )
    if not replayed.tally.judged_runs:
        yield (
            "  no run could be judged yet: all of them are LEARNING, because there are fewer than "
            f"{policy.minimum_runs} earlier runs"
        )
        return
    yield _false_alarms(replayed.tally)
    yield _changes(replayed.tally)
    yield from _planted(replayed)
    outlook = replayed.outlook
    if outlook is not None:
        yield (
            f"  one run shows a series in the middle becoming {_percent(outlook.now)} worse "
            f"(80 of 100 cases); {_percent(outlook.full_window)} with {policy.window} runs of "
            f"history, {_percent(outlook.half_noise)} with half the noise (four times the "
            "requests, or a quieter machine)"
        )
    yield from map(_alarm, replayed.tally.alarms)
    yield ""


def _false_alarms(tally: "GateTally") -> str:
    rate, most = tally.false_alarms_per_100_runs or 0.0, tally.false_alarms_at_most or 0.0
    return (
        f"  false alarms: {rate:.1f} per 100 runs ({tally.false_alarm_runs} of "
        f"{tally.judged_runs} judged runs, so at most {most:.1f} with 95 % confidence; gate "
        f"withheld in {tally.withheld_runs})"
    )


def _changes(tally: "GateTally") -> str:
    caught = tally.runs_until_caught
    when = f", in the median at run {median(caught):g} of the new level" if caught else ""
    return (
        f"  changes for the worse that looking back finds: {tally.worse_changes}, of which the "
        f"gate caught {len(caught)}{when}"
    )


def _planted(replayed: "Backtest") -> Iterator[str]:
    """Say how often a slowdown that was written into copies of stored runs is found."""
    from perf_pipeline.analysis.backtest import PLANTED_RUNS

    if not any(planted for *_, planted in replayed.found):
        least = replayed.policy.minimum_runs + PLANTED_RUNS
        yield f"  planted slowdowns: none, because that takes {least} runs of one level"
        return
    for factor, found, planted in replayed.found:
        share = _percent(found / planted) if planted else "-"
        yield (
            f"  planted: three stored runs made {_percent(factor - 1)} worse, {planted} times; "
            f"{share} found by the third run"
        )


def _alarm(alarm: "Alarm") -> str:
    effect = alarm.diff.effect
    change = "" if effect is None else f" {100 * effect.change:+.1f} %"
    where = f"run {alarm.run_id} {alarm.track.benchmark} {alarm.track.series.label}"
    return f"  alarm: {where}{change}: {_VERDICT[alarm.explained]}"


def _percent(ratio: float) -> str:
    return f"{100 * ratio:.0f} %"
