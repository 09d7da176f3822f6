"""Commands on stored runs: judge and report again, bring spooled runs into the history.

Add here: another command that loads nothing. Keep out: comparing runs (baseline.py, compare.py).
"""

from typing import TYPE_CHECKING, Final

import click

from perf_pipeline.cli.values import RunId
from perf_pipeline.cli.verdict import finish

if TYPE_CHECKING:
    from perf_pipeline.store.state import State


@click.command()
@click.argument("run_id", type=RunId(), required=False)
@click.option("--profile", help="Judge by this profile's thresholds instead of the run's own.")
@click.pass_obj
def judge(state: "State", run_id: str | None, profile: str | None) -> None:
    """Judge a stored run again, without a new load.

    By another profile it is a what-if: shown, and not stored.
    """
    from perf_pipeline.config.loading import load_profile
    from perf_pipeline.judging.asked import asked_run
    from perf_pipeline.judging.judge import judge_run
    from perf_pipeline.judging.publish import publish

    checked = None if profile is None else load_profile(profile)
    chosen = asked_run(state, run_id)
    judge_run(state, chosen, profile=checked)
    finish(publish(state, chosen, profile=checked))


@click.command()
@click.argument("run_id", type=RunId(), required=False)
@click.pass_obj
def report(state: "State", run_id: str | None) -> None:
    """Write a stored run's reports again and print the terminal's."""
    from perf_pipeline.judging.asked import asked_run
    from perf_pipeline.judging.publish import publish

    finish(publish(state, asked_run(state, run_id)))


@click.command()
@click.argument("run_id", type=RunId(), required=False)
@click.pass_obj
def ingest(state: "State", run_id: str | None) -> None:
    """Bring spooled samples into the history and judge them; again and again without harm."""
    from perf_pipeline.judging.recovering import recover_runs

    recover_runs(state, run_id, say=click.echo)


COMMANDS: Final[tuple[click.Command, ...]] = (judge, report, ingest)
