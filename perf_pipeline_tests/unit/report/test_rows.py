from perf_pipeline.report.rows import render_rows

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


def test_csv_quotes_as_rfc_4180_and_null_is_empty() -> None:
    assert render_rows(COLUMNS, ROWS, as_csv=True) == (
        'run_id,wall_s,note\r\na,1.5,\r\nbb,20.25,"says ""x, y""\nand more"\r\n'
    )


def test_control_characters_of_a_value_are_shown_not_obeyed() -> None:
    assert "\ufffd[2J" in render_rows(("x",), [("\x1b[2J",)])
