"""Share code of the commands that add a search to a profile and run only that.

Add here: another thing that all of them do. Keep out: their own keys (capacity.py, scaling.py), and
running (run.py).
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import click

from perf_pipeline.cli.run import run

if TYPE_CHECKING:
    from perf_pipeline.config.profile import Profile

_NOTHING: Final = (
    "it has no benchmark whose scenarios all have a rate and run at once, so there is nothing to "
    "search"
)
of_option = click.option(
    "--of",
    metavar="BENCHMARK",
    help="Search this benchmark's scenarios. Default: the first one whose rates can be raised.",
)
"""Which benchmark is searched."""
hint_option = click.option(
    "--hint",
    metavar="RATE",
    help="Begin the search at this rate. Default: the rate of the profile.",
)
"""At which rate a search begins."""
window_option = click.option(
    "--window",
    metavar="TIME",
    help="Measure each rate for this long, e.g. 10s. Default: as needed.",
)
"""How long each rate is measured."""


def benchmark_to_search(profile: "Profile", of: str | None) -> str:
    """Return the named benchmark, or the first one whose rates can be raised.

    Raises:
        ProfileError: no benchmark of the profile can be searched.
    """
    from perf_pipeline.config.capacity_rules import searchable
    from perf_pipeline.errors import ProfileError

    found = of or next(iter(searchable(profile)), None)
    if found is None:
        hint = "give one an executor with an arrival rate, or name it: --of BENCHMARK"
        raise ProfileError(profile.name, [_NOTHING], hint=hint)
    return found


def run_alone(
    context: click.Context, given: str, overrides: Sequence[str], name: str, **options: Any
) -> None:
    """Run one benchmark of a profile, with the options of the command that asks for it.

    Args:
        context: the context of that command.
        given: the profile.
        overrides: keys and values that override it.
        name: the name of the benchmark.
        options: `tags`, `quiet` and `as_json`.
    """
    context.invoke(
        run,
        file=None,
        profile=given,
        overrides=overrides,
        only=(name,),
        outs=(),
        confirm=0,
        on_environment_changed=None,
        watch=False,
        opens=False,
        **options,
    )
