"""Own statements in a profile: how their values are bound, and every mistake with what is right."""

import json
from pathlib import Path
from typing import Any

import pytest

from perf_pipeline.config.loading import load_profile, validate_profile
from perf_pipeline.config.sql_statements import SqlParameters
from perf_pipeline.config.sql_text import bound, spans_in
from perf_pipeline.errors import ProfileError
from perf_pipeline_tests.support.refused_profiles import shop, the_answer_to

DEBIT: dict[str, Any] = {"name": "debit", "sql": "update a set n = n - 1 where id = ${vu}"}


def sql(*statements: dict[str, Any], **parameters: Any) -> dict[str, Any]:
    return {
        "exec": "sql",
        "executor": "constant-vus",
        "vus": 1,
        "duration": "1s",
        "parameters": {"statements": list(statements), **parameters},
    }


# Which characters are text of PostgreSQL: its manual, chapter 4.1 (lexical structure).
@pytest.mark.parametrize(
    ("text", "not_code"),
    [
        ("select 'it''s' || x", ["'it''s'"]),
        (r"select E'\'' || x", [r"E'\''"]),
        (r"select '\' || x", [r"'\'"]),
        ('select "a""b", x', ['"a""b"']),
        ("select 1 -- ${vu}\n, x", ["-- ${vu}"]),
        ("select /* a /* b */ c */ x", ["/* a /* b */ c */"]),
        ("do $f$ $$ 'x $f$ , x", ["$f$ $$ 'x $f$"]),
        ("select a$b$c, x", []),
        ("select 'open", ["'open"]),
    ],
)
def test_quotes_and_comments_are_told_from_code(text: str, not_code: list[str]) -> None:
    assert [text[span.start : span.end] for span in spans_in(text)] == not_code


def test_each_variable_becomes_a_parameter_in_the_order_of_the_text() -> None:
    text = bound("  insert into t values (${uuid}, '$${x}', ${vu}, ${vu})  ")

    assert text.text == "insert into t values ($1, '${x}', $2, $3)"
    assert [variable.written for variable in text.variables] == ["uuid", "vu", "vu"]


def test_a_transaction_reads_back_with_all_its_keys() -> None:
    statement = {
        **DEBIT,
        "expect": {"rows": "1..", "duration": "2s"},
        "save": {"left": "n"},
        "thinkTime": "1s..3s",
        "timeout": "5s",
    }
    more = {"transaction": "pay", "isolation": "serializable", "retries": 3, "prepared": False}
    profile = validate_profile(shop(sql(statement, **more)), "shop.toml")

    parameters = profile.benchmarks["orders"].scenarios["look"].parameters
    assert isinstance(parameters, SqlParameters)
    names = [operation.name for operation in parameters.operations]
    assert names == ["pay::debit", "pay::begin", "pay::commit", "pay::rollback", "pay"]
    assert parameters.operations[0].checks == ("rows are 1..", "duration < 2s", "saved left")
    assert validate_profile(json.loads(profile.as_json), "history") == profile


@pytest.mark.parametrize(
    ("scenario", "told"),
    [
        (sql({**DEBIT, "sql": "select '${vu}'"}), "${vu} stands in quotes; a value is bound"),
        (sql({**DEBIT, "sql": "select 1 -- ${vu}"}), "${vu} stands in a comment"),
        (sql({**DEBIT, "sql": "select $1"}), "has a parameter like $1; write the variable"),
        (sql({**DEBIT, "sql": "select 1; select 2"}), "has more than one statement"),
        (sql({**DEBIT, "sql": " -- nothing"}), "has no statement; write one"),
        (sql({**DEBIT, "sql": "BEGIN"}), 'parameters.transaction = "its name"'),
        (sql({**DEBIT, "sql": "copy t from stdin"}), "is a copy over the connection"),
        (sql({**DEBIT, "sql": "select ${vuu}"}), "did you mean vu?"),
        (sql({**DEBIT, "sql": "select ${data.a.id}"}), "names no data set"),
        (sql({**DEBIT, "expect": {"rows": -1}}), "-1 is not a number of rows; write one like 1"),
        (sql({**DEBIT, "expect": {"rows": "9..1"}}), "has the larger number first"),
        (sql({**DEBIT, "save": {"vu": "n"}}), "'vu' is already a variable"),
        (sql(DEBIT, DEBIT), "'debit' is already the name of an operation"),
        (sql({**DEBIT, "name": "commit"}, transaction="pay"), "'pay::commit' is already the name"),
        (sql(DEBIT, isolation="serializable"), "has isolation but no transaction"),
        (sql(), "there are no statements; write at least one"),
        (
            sql({**DEBIT, "sql": "select ${data.a.id}"}, data={"a": {}}),
            "csv, values, seeded and qu",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_mistake_is_answered_in_one_sentence(scenario: dict[str, Any], told: str) -> None:
    assert told in the_answer_to(shop(scenario))


def test_a_threshold_on_an_operation_that_no_statement_makes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    path.write_text(
        """name = "p"
[benchmarks.b.scenarios.s]
exec = "sql"
executor = "constant-vus"
duration = "1s"
parameters = { transaction = "pay", statements = [{ name = "debit", sql = "select 1" }] }
[benchmarks.b.thresholds]
"db_query_duration{operation:pay::debt}" = ["p(95)<9"]
"db_transaction_duration{operation:pay}" = ["p(95)<9"]
""",
        encoding="utf-8",
    )

    with pytest.raises(ProfileError, match="did you mean pay::debit") as caught:
        load_profile(str(path))
    assert len(caught.value.problems) == 1
