"""The command that answers "how much more do more processes carry?" with one line.

It adds a scaling run to a profile and runs only that; to have it in every run, write the keys
`capacity` and `scaling` into the profile. Add here: another key that a newcomer needs. Keep out:
running (run.py), and searching (runs/scaling.py).
"""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import click

from perf_pipeline.cli.profiles import (
    file_argument,
    overrides_of,
    profile_given,
    profile_options,
    tag_option,
)
from perf_pipeline.cli.search_run import (
    benchmark_to_search,
    hint_option,
    of_option,
    run_alone,
    window_option,
)
from perf_pipeline.cli.verdict import form_options

if TYPE_CHECKING:
    from perf_pipeline.config.profile import Profile

_SUFFIX: Final = "_scaling"
_NO_COMMAND: Final = (
    "no benchmark of it has the key scaling, so that nothing says how units are set; write --run "
    "and --usual, or --part for the reference system"
)


@click.command()
@file_argument
@profile_options
@of_option
@click.option(
    "--run",
    "command",
    metavar="COMMAND",
    help=(
        "Command that sets the number of units, e.g. 'docker compose up --detach --wait --scale "
        "api={n}'."
    ),
)
@click.option(
    "--part",
    type=click.Choice(["api", "worker", "partitions"]),
    help="Set processes or partitions of the reference system, in place of --run.",
)
@click.option("--usual", type=int, help="The usual number of units, which is set again at the end.")
@click.option("--units", metavar="N,N,…", help="Try these numbers of units. Default: 1,2,4.")
@click.option("--cores", type=int, help="How many cores the units may use. Default: all of them.")
@hint_option
@window_option
@tag_option("Give the run a tag, e.g. env=staging; repeatable.")
@form_options
@click.pass_context
def scaling(
    context: click.Context,
    file: str | None,
    profile: str,
    overrides: Sequence[str],
    of: str | None,
    command: str | None,
    part: str | None,
    usual: int | None,
    units: str | None,
    cores: int | None,
    hint: str | None,
    window: str | None,
    tags: Sequence[tuple[str, str]],
    *,
    quiet: bool,
    as_json: bool,
) -> None:
    """Find how the capacity of a benchmark grows with the number of processes, pods or containers.

    FILE is the same as --profile: the path of a .toml file, or a shipped profile. The capacity is
    searched at each number of units; the usual number is set again in the end (docs/scaling.md).
    """
    given = profile_given(context, file, profile)
    from perf_pipeline.config.loading import describe_profile

    name, keys = _scaled(describe_profile(given, overrides_of(overrides)), of, command or part)
    keys |= {"capacity.hint": hint, "capacity.window": window, "scaling.run": command}
    keys |= {"scaling.part": part, "scaling.usual": usual, "scaling.cores": cores}
    added = [
        f"benchmarks.{name}.{key}={json.dumps(value, ensure_ascii=False)}"
        for key, value in keys.items()
        if value is not None
    ]
    added += [f"benchmarks.{name}.scaling.units=[{units}]"] if units else []
    everything = (*overrides, *added)
    run_alone(context, given, everything, name, tags=tags, quiet=quiet, as_json=as_json)


def _scaled(profile: "Profile", of: str | None, how: str | None) -> tuple[str, dict[str, Any]]:
    """Return the benchmark that scales, and its keys if it is a new one.

    Raises:
        ProfileError: no benchmark of the profile can be searched, or nothing says how to scale it.
    """
    from perf_pipeline.errors import ProfileError

    for name, config in profile.benchmarks.items():
        if config.scaling is None or config.capacity is None:
            continue
        if of in {None, name, config.capacity.of}:
            return name, {}
    if how is None:
        raise ProfileError(profile.name, [_NO_COMMAND], hint="docs/scaling.md shows both")
    found = benchmark_to_search(profile, of)
    return f"{found}{_SUFFIX}", {"capacity.of": found}
