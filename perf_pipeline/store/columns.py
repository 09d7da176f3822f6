"""Read once which columns the tables of an open history have, because they don't change.

A run's end writes and seals a dozen tables, and DuckDB takes milliseconds for each such question.
Add here: another fact of its catalog that writers need. Keep out: rows.
"""

from collections.abc import Mapping
from typing import Final
from weakref import WeakKeyDictionary

import duckdb

_COLUMNS: Final = """
select table_name, column_name, data_type from duckdb_columns()
where database_name = current_database() order by table_name, column_index
"""
_KNOWN: Final[WeakKeyDictionary[duckdb.DuckDBPyConnection, Mapping[str, Mapping[str, str]]]] = (
    WeakKeyDictionary()
)


def columns_of(connection: duckdb.DuckDBPyConnection) -> Mapping[str, Mapping[str, str]]:
    """Return the columns of each table in their order, each with its type."""
    if connection not in _KNOWN:
        tables: dict[str, dict[str, str]] = {}
        for table, column, data_type in connection.execute(_COLUMNS).fetchall():
            tables.setdefault(table, {})[column] = data_type
        _KNOWN[connection] = tables
    return _KNOWN[connection]
