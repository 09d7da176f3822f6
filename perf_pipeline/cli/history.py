"""Commands on stored runs: judge and report again, bring spooled runs into the history.

Add here: another command that loads nothing. Keep out: comparing runs (baseline.py, compare.py).
"""

from typing import TYPE_CHECKING, Final

import click

from perf_pipeline.cli.profiles import environment_option
from perf_pipeline.cli.values import RunId
from perf_pipeline.cli.verdict import finish

if TYPE_CHECKING:
    from perf_pipeline.config.profile import OnEnvironmentChanged
    from perf_pipeline.store.state import State


@click.command()
@click.argument("run_id", type=RunId(), required=False)
@click.option("--profile", help="Judge by the thresholds of this profile, not by the run's own.")
@environment_option
@click.pass_obj
def judge(
    state: "State",
    run_id: str | None,
    profile: str | None,
    on_environment_changed: "OnEnvironmentChanged | None",
) -> None:
    """Judge a stored run again, without a new load.

    Without RUN_ID it is the last run. The verdict by another profile is a what-if: it is shown and
    not stored.
    """
    from perf_pipeline.config.loading import load_profile
    from perf_pipeline.judging.asked import asked_run
    from perf_pipeline.judging.judge import judge_run
    from perf_pipeline.judging.publish import publish

    checked = None if profile is None else load_profile(profile)
    chosen = asked_run(state, run_id)
    judge_run(state, chosen, profile=checked)
    finish(publish(state, chosen, profile=checked, on_environment_changed=on_environment_changed))


@click.command()
@click.argument("run_id", type=RunId(), required=False)
@click.pass_obj
def report(state: "State", run_id: str | None) -> None:
    """Write the reports of a stored run again, and print the one for the terminal.

    Without RUN_ID it is the last run.
    """
    from perf_pipeline.judging.asked import asked_run
    from perf_pipeline.judging.publish import publish

    finish(publish(state, asked_run(state, run_id)))


@click.command()
@click.argument("run_id", type=RunId(), required=False)
@click.pass_obj
def ingest(state: "State", run_id: str | None) -> None:
    """Store the runs that wait in the spool, and judge them.

    Without RUN_ID these are all runs of the spool. What is stored already does no harm.
    """
    from perf_pipeline.judging.recovering import recover_runs

    recover_runs(state, run_id, say=click.echo)


COMMANDS: Final[tuple[click.Command, ...]] = (judge, report, ingest)
