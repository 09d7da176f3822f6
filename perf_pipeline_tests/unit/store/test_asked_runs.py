"""Answers to questions about runs are kept, and not without an end."""

import duckdb

from perf_pipeline.store.asked import _MOST_ROWS, AskedRuns

SQUARED = "select ?::bigint * ?::bigint"


def test_answers_are_right_however_many_there_are_and_only_some_are_kept() -> None:
    with duckdb.connect() as connection:
        asked = AskedRuns(connection)
        for number in range(3 * _MOST_ROWS):
            assert asked.rows(SQUARED, [number, number]) == ((number * number,),)
            assert 0 < len(asked._rows) <= _MOST_ROWS


def test_an_answer_that_is_kept_is_the_one_of_before() -> None:
    with duckdb.connect() as connection:
        connection.execute("create sequence numbers")
        asked = AskedRuns(connection)
        first = asked.rows("select nextval('numbers')", [])

        assert asked.rows("select nextval('numbers')", []) == first
        asked.forget_compared()
        assert asked.rows("select nextval('numbers')", []) != first
