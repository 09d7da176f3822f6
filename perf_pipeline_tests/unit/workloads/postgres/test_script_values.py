"""Variables of a script are worth what pgbench takes them for, or the sentence names them.

Source: makeVariableValue and is_an_int of PostgreSQL's src/bin/pgbench/pgbench.c.
"""

import math

import pytest

from perf_pipeline.config.pgbench.expressions import Value, parse_expression
from perf_pipeline.workloads.postgres.script_values import ScriptState, evaluator


@pytest.mark.parametrize(
    ("text", "worth"),
    [
        ("7", 7),
        (" +7 ", 7),
        ("-9223372036854775808", -(2**63)),
        ("9223372036854775807", 2**63 - 1),
        ("0.5", 0.5),
        ("1e3", 1000.0),
        ("inf", math.inf),
        ("null", None),
        ("tru", True),
        ("of", False),
    ],
)
def test_a_text_is_worth_what_pgbench_takes_it_for(text: str, worth: Value) -> None:
    found = evaluator(parse_expression(":x"), {})(ScriptState({"x": text}))

    assert (type(found), found) == (type(worth), worth)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("abc", "the variable x is 'abc', which is no number that an expression could use"),
        ("1_000", "the variable x is '1_000', which is no number that an expression could use"),
        (
            "9223372036854775808",
            "the variable x is '9223372036854775808', which is out of the range of bigint",
        ),
        ("9" * 5_000, f"the variable x is '{'9' * 40}', which is out of the range of bigint"),
    ],
)
def test_a_text_that_is_no_value_is_named_with_its_variable(text: str, sentence: str) -> None:
    evaluate = evaluator(parse_expression(":x"), {})

    with pytest.raises(ValueError, match="the variable x") as drawn:
        evaluate(ScriptState({"x": text}))
    with pytest.raises(ValueError, match="the variable x") as fixed:
        evaluator(parse_expression(":x"), {"x": text})

    assert str(drawn.value) == str(fixed.value) == sentence
