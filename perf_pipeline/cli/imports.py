"""The command that imports the measurements of another tool.

Add here: an option of an import. Keep out: reading files (importing/).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from perf_pipeline.cli.collecting import collects_rarely
from perf_pipeline.cli.telling_dagster import tell_of_run
from perf_pipeline.cli.values import Line
from perf_pipeline.cli.verdict import finish, form_options

if TYPE_CHECKING:
    from perf_pipeline.store.state import State

TOOL_NAMES: Final = ("k6", "jmeter", "locust", "vegeta", "wrk2")
RUNNER_VARIABLE: Final = "PERF_RUNNER_CLASS"
_LONGEST: Final = 200


@click.command("import")
@click.argument("tool", type=click.Choice(TOOL_NAMES))
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--name",
    type=Line(_LONGEST),
    metavar="NAME",
    help="Compare it with earlier imports of this name.  [default: the name of the tool]",
)
@click.option(
    "--threshold",
    "thresholds",
    multiple=True,
    metavar="TEXT",
    help="Judge it by this threshold as well as those of its file, e.g. "
    "'http_req_duration p(95)<500'; repeatable.",
)
@click.option(
    "--summary",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A summary of the same run; its thresholds are judged as well, because k6 writes those "
    "with a filter only there.",
)
@click.option(
    "--runner",
    type=Line(_LONGEST),
    envvar=RUNNER_VARIABLE,
    metavar="CLASS",
    help="Class of the machine on which the tool ran; only imports of the same class are compared.",
)
@click.option(
    "--revision",
    type=Line(_LONGEST),
    metavar="VERSION",
    help="Version of the target that was measured.",
)
@form_options
@click.pass_obj
@collects_rarely
def import_command(
    state: "State",
    tool: str,
    file: Path,
    name: str | None,
    thresholds: Sequence[str],
    summary: Path | None,
    runner: str | None,
    revision: str | None,
    *,
    quiet: bool,
    as_json: bool,
) -> None:
    """Store what another tool measured, and judge and compare it like a run.

    TOOL wrote FILE, which may be compressed with gzip. The same FILE is stored once.
    """
    from perf_pipeline.importing.given import given_thresholds
    from perf_pipeline.importing.spooling import Import
    from perf_pipeline.importing.tools import TOOLS
    from perf_pipeline.runs.importing import import_and_judge

    wanted = Import(
        TOOLS[tool],
        name or tool,
        runner or "",
        {"version": revision} if revision else {},
        given_thresholds(thresholds, summary),
    )
    report = import_and_judge(
        state,
        file,
        wanted,
        say=lambda sentence: None if quiet else click.echo(sentence, err=True),
    )
    try:
        finish(report, quiet=quiet, as_json=as_json)
    finally:
        tell_of_run(state, report.run_id, quiet=quiet or as_json)
