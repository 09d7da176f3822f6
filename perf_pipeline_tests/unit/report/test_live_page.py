"""The page that follows a run: whole in itself, and made of what its script looks for."""

import re
from html import unescape

import pytest

from perf_pipeline.report.axis import Panel
from perf_pipeline.report.live_page import (
    live_glance,
    live_section,
    live_tables,
    render_live_page,
    told_html,
)
from perf_pipeline.report.model import TimeSeries
from perf_pipeline.report.pages import script
from perf_pipeline.report.tables import Table

HOSTILE = "</script><img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def page() -> str:
    return render_live_page(HOSTILE)


def test_the_page_asks_its_own_server_and_nobody_else(page: str) -> None:
    [policy] = re.findall(r'Content-Security-Policy" content="([^"]*)"', page)

    assert "default-src 'none'" in unescape(policy)
    assert unescape(policy).endswith("; connect-src 'self'")
    assert re.findall(r'(?:src|href)="[^"#]', page) == []


def test_the_script_finds_all_parts_that_it_fills(page: str) -> None:
    wanted = set(re.findall(r'\b(?:at|show|fill)\("([\w-]+)"', script("live.js")))

    assert wanted >= {"heading", "glance", "sections", "stop", "report", "told"}
    assert wanted <= set(re.findall(r'\bid="([\w-]+)"', page))


def test_the_stop_button_and_its_question_are_for_keyboards_and_screen_readers(page: str) -> None:
    assert '<button type="button" id="stop"' in page
    assert re.search(r'<dialog id="sure" aria-labelledby="question">', page)
    assert re.search(r'id="no" autofocus', page)
    assert 'id="heading" role="status"' in page
    assert "<noscript>" in page


def test_names_of_others_are_text_in_all_pieces(page: str) -> None:
    table = Table.of({HOSTILE: "prose"}, [(HOSTILE,)])
    line = TimeSeries(HOSTILE, "ms", ((0.0, 1.0), (1.0, 2.0)), HOSTILE, 1.0)
    pieces = [
        page,
        live_glance(table),
        live_tables([(HOSTILE, table)]),
        told_html([(1.0, HOSTILE)]),
        live_section(0, HOSTILE, [Panel(HOSTILE, "ms", (line, line))]),
    ]

    assert [piece for piece in pieces if "<img" in piece] == []


def test_what_grows_is_not_told_with_a_highest_value() -> None:
    line = TimeSeries("p99", "ms", ((0.0, 1.0), (1.0, 777.0)), "service time", 1.0)
    other = TimeSeries("p50", "ms", ((0.0, 1.0), (1.0, 2.0)), "service time", 1.0)

    drawn = live_section(0, "shop", [Panel("service time", "ms", (line, other))])

    assert "777" not in drawn
    assert "highest" not in drawn
    assert 'aria-label="service time in ms over time"' in drawn
