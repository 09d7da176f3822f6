"""Scripts of pgbench in a profile: what is understood, and what is refused with its line."""

from pathlib import Path
from typing import Any

import pytest

from perf_pipeline.config.loading import load_profile
from perf_pipeline.config.pgbench.expressions import Constant, Reference, parse_expression
from perf_pipeline.config.pgbench.parameters import BUILT_IN, PgbenchParameters
from perf_pipeline.config.pgbench.scripts import (
    Jump,
    ScriptStatement,
    ScriptStep,
    SetVariable,
    Sleep,
    parse_script,
)
from perf_pipeline.errors import ProfileError
from perf_pipeline_tests.support.refused_profiles import shop, the_answer_to

SCRIPT = r"""-- it's a comment; with a quote
\set a 1 + \
  2
\if :a > 1
  select ';' || :a::int as x \gset p_
\elif :a = 3
select 1\; select 2;
\else
\sleep 10 ms
\endif
select :p_x, '12:30'
"""


def kinds(steps: tuple[ScriptStep, ...]) -> list[tuple[int, str]]:
    return [(step.line, type(step).__name__) for step in steps]


def test_commands_are_told_from_statements_with_their_lines() -> None:
    steps = parse_script(SCRIPT)

    assert kinds(steps) == [
        (2, "SetVariable"),
        (4, "Jump"),
        (5, "ScriptStatement"),
        (6, "Jump"),
        (6, "Jump"),
        (7, "ScriptStatement"),
        (8, "Jump"),
        (9, "Sleep"),
        (11, "ScriptStatement"),
    ]
    untrue, end, elif_untrue, end_of_elif = (step for step in steps if isinstance(step, Jump))
    assert (untrue.to, elif_untrue.to) == (4, 7)  # the next branch
    assert end.to == end_of_elif.to == 8  # behind \endif
    first, several, last = (step for step in steps if isinstance(step, ScriptStatement))
    assert first.gset == "p_"
    assert first.parts == ("select ';' || ", Reference("a"), "::int as x")
    assert several.parts == ("select 1; select 2",)
    assert last.parts[:2] == ("select ", Reference("p_x"))
    assert [step.unit_us for step in steps if isinstance(step, Sleep)] == [1_000]


def test_the_built_in_scripts_are_those_of_pgbench() -> None:
    # pgbench --show-script: tpcb-like has four \set and seven statements, and so on.
    counts = {
        name: [
            sum(isinstance(step, kind) for step in parse_script(text))
            for kind in (SetVariable, ScriptStatement)
        ]
        for name, text in BUILT_IN.items()
    }

    assert counts == {"tpcb-like": [4, 7], "simple-update": [4, 5], "select-only": [1, 1]}


def test_a_negative_number_is_a_number() -> None:
    assert parse_expression("-9223372036854775808") == Constant(-(2**63))


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("select 1;\n\\st a 1", "line 2: there is no command \\st; did you mean set?"),
        ("\\set a randm(1, 2)\nselect 1", "there is no function 'randm'; did you mean random?"),
        ("\\set a random(1)\nselect 1", "random has 1 arguments; it takes 2"),
        ("\\set a 1 +\nselect 1", "a value is expected before the end"),
        ("\\set a (1\nselect 1", "')' is expected before the end"),
        ("\\set a 1 $ 2\nselect 1", "'$ 2' can't stand in an expression"),
        ("\\set a 1 2\nselect 1", "'2' is not expected at this place"),
        ("\\set a\nselect 1", "\\set a needs a name and an expression"),
        ("\\set a case 1 end\nselect 1", "when is expected before '1'"),
        ("select 1;\n\\if 1\nselect 2", "line 2: this \\if has no \\endif"),
        ("select 1;\n\\endif", "line 2: \\endif has no \\if before it"),
        ("\\if 1\n\\else\n\\else\n\\endif\nselect 1", "line 3: \\else comes after \\else"),
        ("\\sleep soon\nselect 1", "\\sleep soon needs a number and us, ms or s"),
        ("select 1 \\sleep 1 s\n;", "\\sleep stands inside a statement; end that with ; first"),
        ("\\startpipeline\nselect 1;\n\\endpipeline", "so that none of them has a time of its own"),
        ("\\setshell a date\nselect 1", "runs a command of this machine's shell"),
        ("select 1 \\aset", "use one statement with \\gset for each value"),
        ("\\set a 1", "there is no statement; write at least one"),
    ],
)
def test_a_script_that_cannot_be_run_is_refused_with_its_line(script: str, told: str) -> None:
    with pytest.raises(ValueError, match="^line [0-9]+: ") as caught:
        parse_script(script)
    assert told in str(caught.value)


def client(*scripts: str, **parameters: Any) -> dict[str, Any]:
    return {
        "exec": "pgbench",
        "executor": "constant-vus",
        "vus": 1,
        "duration": "1s",
        "parameters": {"scripts": list(scripts), **parameters},
    }


@pytest.mark.parametrize(
    ("scenario", "told"),
    [
        (client(), "there are no scripts; write a file, or one of tpcb-like"),
        (client("tpcb"), "'tpcb' is neither a file that ends in .sql nor one of tpcb-like"),
        (client("select-onl"), "did you mean select-only?"),
        (client("a.sql@0"), "'a.sql@0' has no weight from 1 to 1,000,000 after its @"),
        (client("a.sql", "b/a.sql"), "'a' is the name of two scripts"),
        (client("tpcb-like", variables={"client_id": 1}), "'client_id' is set for each client"),
        (client("tpcb-like", variables={"scale": 1}, scale=2), "has scale as a key and among its"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_mistake_is_answered_in_one_sentence(scenario: dict[str, Any], told: str) -> None:
    assert told in the_answer_to(shop(scenario))


PROFILE = """name = "p"
[benchmarks.b.scenarios.s]
exec = "pgbench"
executor = "constant-vus"
duration = "1s"
parameters = { scripts = ["pay.sql@3", "select-only"], variables = { rows = 5 } }
"""


def test_scripts_are_read_beside_the_profile(tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    path.write_text(PROFILE, encoding="utf-8")
    with pytest.raises(ProfileError, match=r"parameters.scripts\[0\]: pay.sql can't be read"):
        load_profile(str(path))
    (tmp_path / "pay.sql").write_text("select 1;\n\\st a 1\n", encoding="utf-8")
    with pytest.raises(ProfileError, match=r"scripts\[0\]: pay.sql line 2: there is no command"):
        load_profile(str(path))
    (tmp_path / "pay.sql").write_text("select :rows;\n", encoding="utf-8")

    parameters = load_profile(str(path)).benchmarks["b"].scenarios["s"].parameters

    assert isinstance(parameters, PgbenchParameters)
    assert [(script.name, script.weight) for script in parameters.weighted] == [
        ("pay", 3),
        ("select-only", 1),
    ]
    assert parameters.variables == {"rows": "5"}
