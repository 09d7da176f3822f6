"""Rules of SQL scenarios that span several keys or statements: variables, names, checks.

They read the raw table, so that they find all mistakes even if a single key is wrong.
Add here: a rule about statements. Keep out: what a single key may hold (sql_statements.py), and
mistakes that only the target's server can find.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from perf_pipeline.config.http_step_rules import MOST_CHECKS
from perf_pipeline.config.http_steps import operation_of
from perf_pipeline.config.sql_statements import BEGIN, COMMIT, ROLLBACK
from perf_pipeline.config.sql_text import bound
from perf_pipeline.config.templates import parse_template
from perf_pipeline.config.variable_rules import (
    Known,
    saved_name_mistake,
    table_of,
    tables_of,
    text_mistakes,
)


def sql_mistakes(parameters: Mapping[str, Any], env: Collection[str] = ()) -> Iterator[str]:
    """Find the mistakes in raw parameters of `sql`, each as `path: sentence`.

    Args:
        parameters: the raw parameters of the scenario.
        env: names of the scenario's own values, which are not secret and may be used anywhere.
    """
    tables = tables_of(parameters.get("statements"))
    known = Known.of(parameters.get("data"), env, tables)
    group = parameters.get("transaction")
    if isinstance(group, str):
        known.operations |= {operation_of(name, group) for name in (BEGIN, COMMIT, ROLLBACK)}
    for number, table in enumerate(tables):
        for found in _one_statement(table, group if isinstance(group, str) else None, known):
            yield f"statements[{number}].{found}"


def _one_statement(table: Mapping[str, Any], group: str | None, known: Known) -> Iterator[str]:
    sql = table.get("sql")
    if isinstance(sql, str):
        yield from _text_mistakes(sql, known)
    save = table_of(table.get("save"))
    for name in save:
        if mistake := saved_name_mistake(name):
            yield f"save.{name}: {mistake}"
    known.saved.update(save)
    if len(save) + 2 > MOST_CHECKS:
        yield f"save: has {len(save)} columns; a statement can have at most {MOST_CHECKS - 2}"
    written = table.get("name")
    if isinstance(written, str):
        operation = operation_of(written, group)
        if operation in known.operations:
            yield f"name: {operation!r} is already the name of an operation; choose another name"
        known.operations.add(operation)


def _text_mistakes(sql: str, known: Known) -> Iterator[str]:
    found = list(text_mistakes("sql", sql, known))
    yield from found
    try:
        parse_template(sql)
    except ValueError:  # reported with the mistakes of variables
        return
    try:
        bound(sql)
    except ValueError as error:
        yield f"sql: {error}"
