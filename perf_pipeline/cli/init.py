"""The command that writes a small project for the user's own system.

Add here: an option for another source. Keep out: reading sources, and files (new_project/).
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from perf_pipeline.cli.values import DurationText, Line, Text, WholeNumber

if TYPE_CHECKING:
    from perf_pipeline.new_project.draft import Draft
    from perf_pipeline.new_project.from_brokers import GivenBrokers

_FILE: Final = click.Path(path_type=Path)
_MOST_PER_S: Final = 10_000


@click.command()
@click.argument("folder", required=False, type=click.Path(file_okay=False, path_type=Path))
@click.option("--url", type=Line(2_000), help="Address of the API; it is asked for /openapi.json.")
@click.option("--openapi", type=_FILE, metavar="FILE", help="An OpenAPI description of the API.")
@click.option("--har", type=_FILE, metavar="FILE", help="A browser's recording of one visit.")
@click.option("--curl", type=Text(), metavar="COMMAND", help="A command line of curl, in quotes.")
@click.option(
    "--postgres",
    type=Text(),
    metavar="DSN",
    help="DSN of a PostgreSQL; its largest tables and costliest statements are loaded.",
)
@click.option(
    "--brokers",
    type=Line(2_000),
    metavar="HOST:PORT",
    help="Kafka brokers, comma separated; messages of their largest topics are taken.",
)
@click.option(
    "--topic", "topics", multiple=True, metavar="NAME", help="Only this topic; repeatable."
)
@click.option(
    "--kafka",
    "properties",
    multiple=True,
    metavar="KEY=VALUE",
    help="Reach the brokers with this property of librdkafka, e.g. security.protocol=SASL_SSL; "
    "write secrets as ${env.NAME}; repeatable.",
)
@click.option(
    "--rate",
    type=WholeNumber(1, _MOST_PER_S),
    metavar="N",
    help="Start N iterations per second.  [default: 2]",
)
@click.option(
    "--duration", type=DurationText(), default="30s", show_default=True, help="Load for this long."
)
def init(
    folder: Path | None,
    url: str | None,
    openapi: Path | None,
    har: Path | None,
    curl: str | None,
    postgres: str | None,
    brokers: str | None,
    topics: Sequence[str],
    properties: Sequence[str],
    rate: int | None,
    duration: str,
) -> None:
    """Write a small project that measures your own system, into a new or empty FOLDER.

    The command asks up to three questions about what you leave out; without a terminal it asks
    none. It overwrites nothing. It writes no secret either: the files name environment variables
    instead, and the end of the output lists them.
    """
    from perf_pipeline.new_project.loads import FirstLoad
    from perf_pipeline.new_project.project_files import require_empty, write_project
    from perf_pipeline.new_project.sources import Given, draft_of, name_of

    _require_one(openapi, har, curl)
    cluster = _cluster(brokers, properties, topics)
    is_asked = not (url or openapi or har or curl or postgres or cluster)
    if is_asked:
        _require_terminal()
        url = click.prompt("Where is your API, like http://127.0.0.1:8080", type=Line(2_000))
    if folder is None:
        _require_terminal()
        folder = click.prompt("Into which folder", default="speed", type=Path)
    require_empty(folder)
    if rate is None and is_asked:
        rate = click.prompt(
            "How many visits a second to begin with", default=2, type=WholeNumber(1, _MOST_PER_S)
        )
    load = FirstLoad(rate or 2, duration)
    name = name_of(folder)
    draft = draft_of(Given(name, url, openapi, curl, har, postgres, cluster, load))
    write_project(folder, draft)
    _tell(folder, draft)


def _require_one(*sources: object) -> None:
    """Refuse several sources, because nobody would know which one counts where they differ.

    Raises:
        UsageError: there are several.
    """
    if sum(source is not None for source in sources) > 1:
        raise click.UsageError("--openapi, --har and --curl are different sources; keep one")


def _cluster(
    brokers: str | None, properties: Sequence[str], topics: Sequence[str]
) -> "GivenBrokers | None":
    """Return the options about a cluster; None if there are none.

    Raises:
        UsageError: a cluster was described without its brokers, or a property is not a pair.
    """
    from perf_pipeline.new_project.from_brokers import GivenBrokers

    if brokers is None:
        if properties or topics:
            raise click.UsageError("--topic and --kafka need --brokers HOST:PORT")
        return None
    pairs = [text.partition("=") for text in properties]
    for key, equals, _ in pairs:
        if not equals:
            raise click.UsageError(f"--kafka {key}: write KEY=VALUE")
    return GivenBrokers(brokers, {key.strip(): value for key, _, value in pairs}, topics)


def _require_terminal() -> None:
    """Refuse to ask where nobody could answer.

    Raises:
        UsageError: there is no terminal.
    """
    if not sys.stdin.isatty():
        raise click.UsageError(
            "there is no terminal to ask on; write perf-pipeline init FOLDER --url "
            "http://127.0.0.1:8080, or another source in place of --url"
        )


def _tell(folder: Path, draft: "Draft") -> None:
    from perf_pipeline.report.wording import plural

    enabled = [benchmark for benchmark in draft.benchmarks if benchmark.enabled]
    steps = sum(len(benchmark.steps) for benchmark in enabled)
    statements = sum(len(benchmark.statements) for benchmark in enabled)
    click.echo(f"{folder} is written, from {draft.origin}.")
    if steps:
        click.echo(f"Its profile {draft.name}.toml sends {plural(steps, 'request')} per iteration.")
    if taken := [benchmark for benchmark in enabled if benchmark.exec == "consume"]:
        told = plural(len(taken), "topic")
        click.echo(f"Its profile {draft.name}.toml takes messages of {told}, and produces none.")
    if statements:
        asked = plural(statements, "statement")
        click.echo(f"Its profile {draft.name}.toml asks PostgreSQL {asked} per iteration.")
    if draft.left_out:
        click.echo(
            f"{len(draft.left_out)} things could not be taken over; the end of the profile lists "
            "them."
            if len(draft.left_out) > 1
            else f"Not taken over: {draft.left_out[0]}."
        )
    for secret in draft.secrets:
        click.echo(f"Set the environment variable {secret.name}: {secret.meaning}.")
    click.echo(
        f"Now: cd {folder}; perf-pipeline check {draft.name}.toml; perf-pipeline run "
        f"{draft.name}.toml"
    )
