from datetime import timedelta
from decimal import Decimal

import pytest

from perf_pipeline.report.rows import csv_of, render_rows

COLUMNS = ("run_id", "wall_s", "note")
ROWS = (("a", 1.5, None), ("bb", 20.25, 'says "x, y"\nand more'))


def test_rows_are_aligned_with_nulls_named_and_the_number_of_rows_below() -> None:
    assert render_rows(COLUMNS, ROWS).splitlines() == [
        "run_id  wall_s  note",
        "a       1.5     null",
        'bb      20.25   says "x, y" and more',
        "(2 rows)",
    ]


def test_one_row_and_no_row_are_counted_in_english() -> None:
    assert render_rows(("n",), [(1,)]).endswith("(1 row)\n")
    assert render_rows(("n",), []).endswith("(0 rows)\n")


def test_a_wide_row_is_one_line_so_that_other_tools_can_cut_it() -> None:
    assert len(render_rows(("text",), [("x" * 500,)]).splitlines()) == 3


def test_rows_that_are_not_shown_are_told() -> None:
    assert render_rows(("n",), [(1,)], more=True).endswith(
        "(the first 1 row; there are more, and --rows 0 shows them all)\n"
    )


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+SUM(A1)", "'+SUM(A1)"),
        ("-2+3", "'-2+3"),
        ("@cmd", "'@cmd"),
        ("\tx", "'\tx"),
        ("\r=1", '"\'\r=1"'),
        ("\n=1", '"\'\n=1"'),
        ('=HYPERLINK("x")', '"\'=HYPERLINK(""x"")"'),
        ("＝1", "'＝1"),  # noqa: RUF001 - the wide letter is meant
        (["=1"], "['=1']"),
        ("-5", "-5"),
        ("-1.5e-3", "-1.5e-3"),
        (-5, "-5"),
        (-0.5, "-0.5"),
        (Decimal("-1.25"), "-1.25"),
        (timedelta(days=-1), '"\'-1 day, 0:00:00"'),
        ("a=b", "a=b"),
        (None, ""),
    ],
)
def test_no_cell_of_csv_is_a_formula_to_a_spreadsheet(value: object, cell: str) -> None:
    # OWASP, CSV Injection: = + - @, tab, carriage return and line feed at the beginning.
    assert csv_of([("x", value)]) == f"x,{cell}\r\n"


def test_csv_quotes_as_rfc_4180_and_null_is_empty() -> None:
    assert csv_of([COLUMNS, *ROWS]) == (
        'run_id,wall_s,note\r\na,1.5,\r\nbb,20.25,"says ""x, y""\nand more"\r\n'
    )


def test_control_characters_of_a_value_are_shown_not_obeyed() -> None:
    assert "\ufffd[2J" in render_rows(("x",), [("\x1b[2J",)])
