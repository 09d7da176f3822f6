"""The commands that exchange runs with a team's history: push, pull, sync.

Add here: another choice of runs. Keep out: exchanging them (sharing/).
"""

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

import click

from perf_pipeline.cli.profiles import profile_names
from perf_pipeline.cli.values import RunId, WholeNumber

if TYPE_CHECKING:
    from perf_pipeline.sharing.pulling import PullWish
    from perf_pipeline.sharing.told import Movement
    from perf_pipeline.store.state import State

_MOST: Final = 1_000_000
_Option = Callable[[Callable[..., None]], Callable[..., None]]


def _options(*more: _Option) -> _Option:
    """Add the options that all of these commands take, and further ones."""

    def add(command: Callable[..., None]) -> Callable[..., None]:
        options: tuple[_Option, ...] = (
            *reversed(more),
            click.option(
                "--profile",
                shell_complete=profile_names,
                help="Use the place of this profile: `remote` of its section [history].",
            ),
            click.option(
                "--samples", is_flag=True, help="Raw samples as well, which take most of the room."
            ),
            click.argument("url", required=False),
        )
        for option in options:
            command = option(command)
        return command

    return add


_runs = click.option(
    "--run",
    "run_ids",
    type=RunId(),
    multiple=True,
    metavar="RUN_ID",
    help="Only this run; repeatable.",
)
_newest = click.option(
    "--newest",
    type=WholeNumber(1, _MOST),
    metavar="N",
    help="Pull the newest N runs of the place, and those of pinned releases.",
)


@click.command()
@_options(_runs)
@click.pass_obj
def push(
    state: "State", url: str | None, run_ids: Sequence[str], profile: str | None, *, samples: bool
) -> None:
    """Push stored runs, and decisions about baselines, to a team's history.

    URL is a folder, or an address such as s3://BUCKET/FOLDER; without it, PERF_HISTORY_REMOTE or
    --profile names it. What is there already is not pushed again, and nothing is overwritten.
    """
    _end([_pushed(state, _place(url, profile), run_ids, samples=samples)])


@click.command()
@_options(_runs, _newest)
@click.pass_obj
def pull(
    state: "State",
    url: str | None,
    run_ids: Sequence[str],
    newest: int | None,
    profile: str | None,
    *,
    samples: bool,
) -> None:
    """Pull runs, and decisions about baselines, that are in a team's history and not in this one.

    URL is a folder, or an address such as s3://BUCKET/FOLDER; without it, PERF_HISTORY_REMOTE or
    --profile names it. A damaged run is reported and left out; the others are pulled.
    """
    from perf_pipeline.sharing.pulling import PullWish

    _end([_pulled(state, _place(url, profile), PullWish(run_ids, newest, samples))])


@click.command()
@_options(_newest)
@click.pass_obj
def sync(
    state: "State", url: str | None, newest: int | None, profile: str | None, *, samples: bool
) -> None:
    """Pull from a team's history what is missing here, then push what is missing there."""
    from perf_pipeline.sharing.pulling import PullWish

    place = _place(url, profile)
    pulled = _pulled(state, place, PullWish((), newest, samples))
    _end([pulled, _pushed(state, place, (), samples=samples)])


def _pushed(state: "State", place: str, run_ids: Sequence[str], *, samples: bool) -> "Movement":
    from perf_pipeline.judging.asked import asked_run, require_runs
    from perf_pipeline.loading.locks import is_loading
    from perf_pipeline.sharing.pushing import PushWish
    from perf_pipeline.sharing.pushing import push as push_runs

    require_runs(state)
    chosen = [asked_run(state, run_id) for run_id in run_ids]
    wish = PushWish(chosen, samples=samples, is_loading=is_loading(state.folder))
    return _told(push_runs(state, place, wish))


def _pulled(state: "State", place: str, ask: "PullWish") -> "Movement":
    from perf_pipeline.sharing.pulling import pull as pull_runs

    return _told(pull_runs(state, place, ask))


def _told(done: "Movement") -> "Movement":
    for sentence in done.sentences():
        click.echo(sentence)
    for complaint in done.complaints():
        click.echo(complaint, err=True)
    return done


def _end(exchanges: Sequence["Movement"]) -> None:
    from perf_pipeline.errors import ExitCode

    if not all(done.is_whole for done in exchanges):
        raise click.exceptions.Exit(ExitCode.NOT_MEASURED)


def _place(url: str | None, profile: str | None) -> str:
    """Return the place that is named on the command line, in the environment or in a profile."""
    from perf_pipeline.config.history_remote import REMOTE_VARIABLE, remote_of
    from perf_pipeline.config.loading import describe_profile

    named = url or remote_of(os.environ)
    if not named and profile is not None:
        named = describe_profile(profile).history.remote or ""
    if not named:
        raise click.UsageError(
            f"no place is named; write it after the command, in {REMOTE_VARIABLE}, or as `remote` "
            "in the section [history] of a profile that --profile names"
        )
    return named


COMMANDS = (push, pull, sync)
