"""Read a run's rows in a table of results, by benchmark, as the records that were written.

Add here: another way to read such a table. Keep out: which tables there are (growth_rows.py and the
others that ask here).
"""

from dataclasses import fields
from typing import TYPE_CHECKING, TypeVar

from perf_pipeline.store.history import History

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_Row = TypeVar("_Row", bound="DataclassInstance")


def rows_by_benchmark(
    history: History, run_id: str, table: str, kind: type[_Row], *, order: str
) -> dict[str, list[_Row]]:
    """Return the proven rows of a run; a benchmark without any is absent.

    Args:
        history: open.
        run_id: the id of the run.
        table: with a column for each field of `kind`.
        kind: what a row becomes.
        order: the order of the rows of one benchmark, as in SQL.
    """
    history.proof.require_rows([run_id], table)
    columns = ", ".join(field.name for field in fields(kind))
    statement = (
        f"select benchmark, {columns} from {table} where run_id = ? order by benchmark, {order}"
    )
    found: dict[str, list[_Row]] = {}
    for benchmark, *values in history.connection.execute(statement, [run_id]).fetchall():
        found.setdefault(benchmark, []).append(kind(*values))
    return found
