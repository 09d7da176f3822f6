"""The command `sql`: query the history, and print a table or CSV.

Heavy packages are imported inside the command, so that `--help` answers at once.
Add here: another limit of a query, or another output format. Keep out: the query
(store/snapshot.py).
"""

from itertools import islice
from typing import TYPE_CHECKING, Final

import click

from perf_pipeline.cli.collecting import collects_rarely
from perf_pipeline.cli.values import Seconds, Text, WholeNumber

if TYPE_CHECKING:
    from perf_pipeline.store.snapshot import QueryAnswer
    from perf_pipeline.store.state import State

_MOST_ROWS: Final = 10_000
_CELL: Final = 60
_ROWS_LIMIT: Final = 1_000_000_000


@click.command()
@click.argument("statement", type=Text())
@click.option(
    "--csv", "as_csv", is_flag=True, help="Print comma-separated values, for other programs."
)
@click.option(
    "--timeout",
    "limit_s",
    default="60s",
    show_default=True,
    type=Seconds(),
    metavar="DURATION",
    help="End the query after this time.",
)
@click.option(
    "--rows",
    "most",
    type=WholeNumber(0, _ROWS_LIMIT),
    metavar="N",
    help=f"Show at most N rows; 0 shows all.  [default: {_MOST_ROWS:,}; with --csv all]",
)
@click.option("--full", is_flag=True, help="Show whole cells, however long they are.")
@click.pass_obj
@collects_rarely
def sql(
    state: "State",
    statement: str,
    as_csv: bool,
    limit_s: float,
    most: int | None,
    *,
    full: bool,
) -> None:
    """Query the history with SQL, like "select * from runs".

    The query reads a private copy, so it never blocks a run; it can neither write nor read another
    file. A table shows the first 60 letters of a cell; --full and --csv show all of it.
    """
    from perf_pipeline.store.snapshot import open_answer

    if not state.history_file.exists():
        from perf_pipeline.judging.asked import require_runs

        require_runs(state)
    with open_answer(state.history_file, statement, limit_s=limit_s) as answer:
        if as_csv:
            _print_csv(answer, most or None)
        else:
            limit = _MOST_ROWS if most is None else most or None
            _print_table(answer, limit, None if full else _CELL)


def _print_csv(answer: "QueryAnswer", most: int | None) -> None:
    from perf_pipeline.report.rows import csv_of

    click.echo(csv_of([answer.columns]), nl=False)
    left = most
    for batch in answer.batches:
        click.echo(csv_of(batch[:left]), nl=False)
        left = None if left is None else left - len(batch)
        if left is not None and left <= 0:
            break


def _print_table(answer: "QueryAnswer", most: int | None, longest: int | None) -> None:
    from perf_pipeline.report.rows import render_rows

    rows = (row for batch in answer.batches for row in batch)
    shown = list(islice(rows, most))
    more = next(rows, None) is not None
    click.echo(render_rows(answer.columns, shown, more=more, longest=longest), nl=False)
