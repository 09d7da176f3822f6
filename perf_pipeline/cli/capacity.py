"""The command that answers "how much does my system carry?" with one line.

It adds a search to a profile and runs only that; to have it in every run, write the key `capacity`
into the profile.
Add here: another key of the search that a newcomer needs. Keep out: running (run.py), searching
(runs/capacity.py).
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

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

_SUFFIX: Final = "_capacity"


@click.command()
@file_argument
@profile_options
@of_option
@click.option(
    "--target", metavar="RATE", help="The rate that is asked for, e.g. 50/s or 1000000/day."
)
@hint_option
@window_option
@tag_option("Give the run a tag, e.g. env=staging; repeatable.")
@form_options
@click.pass_context
def capacity(
    context: click.Context,
    file: str | None,
    profile: str,
    overrides: Sequence[str],
    of: str | None,
    target: str | None,
    hint: str | None,
    window: str | None,
    tags: Sequence[tuple[str, str]],
    *,
    quiet: bool,
    as_json: bool,
) -> None:
    """Find the highest rate that the target carries while all thresholds of a benchmark hold.

    FILE is the same as --profile: the path of a .toml file, or a shipped profile. Rates are doubled
    and then narrowed to 5 %; three more windows confirm the answer (docs/capacity.md).
    """
    given = profile_given(context, file, profile)
    from perf_pipeline.config.loading import describe_profile

    name, keys = _search(describe_profile(given, overrides_of(overrides)), of)
    asked = {"target": target, "hint": hint, "window": window}
    keys |= {key: value for key, value in asked.items() if value is not None}
    added = [f'benchmarks.{name}.capacity.{key}="{value}"' for key, value in keys.items()]
    everything = (*overrides, *added)
    run_alone(context, given, everything, name, tags=tags, quiet=quiet, as_json=as_json)


def _search(profile: "Profile", of: str | None) -> tuple[str, dict[str, str]]:
    """Return the benchmark that searches, and its keys if it is a new one.

    Raises:
        ProfileError: no benchmark of the profile can be searched.
    """
    for name, config in profile.benchmarks.items():
        if config.capacity is None or config.scaling is not None:
            continue
        if of in {None, name, config.capacity.of}:
            return name, {}
    found = benchmark_to_search(profile, of)
    return f"{found}{_SUFFIX}", {"of": found}
