"""The options that name a profile and change it, and what they mean.

Add here: another way of changing a profile on the command line. Keep out: commands.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from perf_pipeline.cli.values import Out, RunTag

if TYPE_CHECKING:
    from perf_pipeline.config.outputs import OutConfig


def profile_names(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the shipped profiles and the .toml files of the current folder; else any file."""
    from perf_pipeline.config.loading import SHIPPED

    names = [*SHIPPED, *sorted(path.name for path in Path().glob("*.toml"))]
    offered = [CompletionItem(name) for name in names if name.startswith(incomplete)]
    # This comes first, because bash forgets earlier completions.
    return [CompletionItem(incomplete, type="file"), *offered]


def benchmark_names(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the shipped benchmarks in a shell."""
    from perf_pipeline.benchmarks.registry import NAMES

    return [CompletionItem(name) for name in NAMES if name.startswith(incomplete)]


file_argument = click.argument("file", required=False, shell_complete=profile_names)
"""FILE of a command, in place of `--profile`."""


def only_option(text: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return the option `--only`.

    Args:
        text: its help.
    """
    return click.option(
        "--only", multiple=True, metavar="BENCHMARK", help=text, shell_complete=benchmark_names
    )


def profile_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options `--profile` and `--set` to a command."""
    for option in (
        click.option(
            "--set",
            "overrides",
            multiple=True,
            metavar="KEY=VALUE",
            help="Change a key of the profile, e.g. seeding.users=500. VALUE is TOML; repeatable.",
        ),
        click.option(
            "--profile",
            default="quick",
            show_default=True,
            shell_complete=profile_names,
            help="A shipped profile (quick, ci, full, weekly, soak, resilience), or the path of a "
            ".toml file.",
        ),
    ):
        command = option(command)
    return command


environment_option = click.option(
    "--on-environment-changed",
    type=click.Choice(["fail", "warn"]),
    help="What to do when the gate is withheld, because the machine changed and not the system "
    "alone: fail with 97, or warn. The profile's default is warn; after 5 runs in a row it fails.",
)
"""What a run whose gate is withheld ends with."""


def out_option(when: str = "") -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return the option `--out`: where figures are sent, as a tuple of pairs.

    Args:
        when: when they are sent; empty for at once.
    """
    return click.option(
        "--out",
        "outs",
        type=Out(),
        multiple=True,
        metavar="KIND=URL",
        help=f"Send figures there{when}: influxdb, prometheus (remote write) or otel (OTLP); "
        "repeatable. docs/live.md says what is sent.",
    )


def tag_option(text: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return the option `--tag`, which a command takes as a tuple of pairs.

    Args:
        text: its help.
    """
    return click.option("--tag", "tags", type=RunTag(), multiple=True, metavar="K=V", help=text)


fleet_option = click.option(
    "--fleet",
    metavar="ADDRESS",
    help="Run the load workers on the hosts of this Dask scheduler, e.g. tls://fleet.example:8786 "
    "(docs/fleet.md).",
)
"""Which hosts load, in place of this machine."""


def outs_given(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Return receivers as overrides of a profile's keys.

    Raises:
        UsageError: two of a kind are given.
    """
    found: dict[str, str] = {}
    for kind, url in pairs:
        if found.setdefault(f"out.{kind}", url) != url:
            raise click.UsageError(f"--out {kind} is given twice; a run has one receiver of a kind")
    return found


def receivers_of(pairs: Sequence[tuple[str, str]], environment: Mapping[str, str]) -> "OutConfig":
    """Return the receivers of `--out`, or else those of PERF_OUT.

    Raises:
        UsageError: no receiver is named.
        ProfileError: a URL is not that of a receiver.
    """
    from perf_pipeline.config.loading import load_profile

    given = outs_given(pairs)
    found = load_profile("quick", given, environment={} if given else environment).out
    if not found.urls:
        raise click.UsageError("say where to: --out KIND=URL, or PERF_OUT")
    return found


def tags_of(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Return tags by their names.

    Raises:
        UsageError: a name has two values.
    """
    found: dict[str, str] = {}
    for name, value in pairs:
        if found.setdefault(name, value) != value:
            raise click.UsageError(f"--tag {name} is given as {found[name]} and as {value}")
    return found


def profile_given(context: click.Context, file: str | None, profile: str) -> str:
    """Return the profile that was named, by FILE or by `--profile`.

    Raises:
        UsageError: both name one, or FILE is empty.
    """
    if file is None:
        return profile
    if not file.strip():
        raise click.UsageError("FILE is empty; name a profile, or leave it out for quick")
    source = context.get_parameter_source("profile")
    if source is not click.core.ParameterSource.DEFAULT:
        raise click.UsageError(f"{file} and --profile {profile} both name a profile; keep one")
    return file


def overrides_of(pairs: Sequence[str]) -> dict[str, Any]:
    """Return the values of `--set` as keys of a profile with their values.

    Raises:
        UsageError: a pair has no `=`.
        ProfileError: a value is not TOML.
    """
    from perf_pipeline.config.loading import parse_overrides

    split = [pair.partition("=") for pair in pairs]
    for key, equals, _ in split:
        if not equals:
            raise click.UsageError(f"--set {key}: write KEY=VALUE")
    return parse_overrides({key: text for key, _, text in split})
