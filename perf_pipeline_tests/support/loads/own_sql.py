"""Give statements to a worker as a profile writes them, and a table to run them on.

Add here: what several tests of own statements do before they look. Keep out: assertions.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from perf_pipeline.config.scenario import Scenario
from perf_pipeline.metrics.sample import Sample
from perf_pipeline_tests.support.loads.workload_bench import scratch_database

ACCOUNTS = """
create table accounts (id int primary key, balance int not null, owner text);
insert into accounts select n, 100, 'owner ' || n from generate_series(1, 10) as n;
"""
Table = dict[str, Any]


@contextmanager
def accounts(dsn: str, name: str) -> Iterator[str]:
    """Give a database of its own with ten accounts of 100."""
    with scratch_database(dsn, name) as own:
        ask(own, ACCOUNTS)
        yield own


def ask(dsn: str, query: str) -> list[tuple[Any, ...]]:
    """Run statements, and give the rows of the first of them, or none."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        cursor = connection.execute(query.encode())
        return cursor.fetchall() if cursor.description else []


def given(exec_name: str, parameters: Table, **more: Any) -> Table:
    """Give a worker's parameters, written as the profile writes them."""
    table = {
        "executor": "constant-vus",
        "duration": "1s",
        "exec": exec_name,
        "parameters": parameters,
    }
    scenario = Scenario.model_validate(table)
    own = scenario.parameters.model_dump(mode="json", by_alias=True)
    return {"run": "r1/b", "folder": ".", "exec": exec_name, "own": own, **more}


def statements(*several: Table, **parameters: Any) -> Table:
    """Give a worker's parameters for statements."""
    more = {key: parameters.pop(key) for key in ("folder", "query_files") if key in parameters}
    return given("sql", {"statements": list(several), **parameters}, **more)


def told(samples: list[Sample]) -> list[tuple[str, str, str]]:
    """Give operation, outcome and error of each sample."""
    return [(sample.operation, sample.outcome.value, sample.error) for sample in samples]
