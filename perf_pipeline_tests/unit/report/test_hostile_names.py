"""Names of a target, a profile or a machine are shown as they are, whatever they hold."""

import xml.etree.ElementTree as ET
from dataclasses import replace
from html.parser import HTMLParser
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from perf_pipeline.metrics.threshold import parse_threshold
from perf_pipeline.report.axis import panels
from perf_pipeline.report.html import render_html
from perf_pipeline.report.markdown import escaped, render_markdown
from perf_pipeline.report.model import BenchmarkReport, RunReport, TimeSeries
from perf_pipeline.report.picture import main_picture
from perf_pipeline.report.wording import printable

PIECES: Final = [
    *"<>&\"'`*_~$[]()|\\{}!#@:;=-+/ ax0é\n\t\x00\x1b\ud800",
    *("{{", "}}", "{%", "{#", "&lt;", "&#39;", "<script>", "</style>", "-->", "]]>", "__", "@ax"),
]
NAMES: Final = st.lists(st.sampled_from(PIECES), min_size=1).map("".join)
SVG: Final = "{http://www.w3.org/2000/svg}"
READER: Final = MarkdownIt("commonmark").enable(["strikethrough", "table"])
every_time = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    max_examples=50,
)


class Parsed(HTMLParser):
    """Collect elements with their attributes, and the text between them."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, frozenset[str]]] = []
        self.texts: list[str] = []
        self.feed(page)
        self.close()
        self.text = "".join(self.texts)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, frozenset(name for name, _ in attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def named(report: RunReport, benchmark: BenchmarkReport, name: str) -> RunReport:
    """Give a report that has the name wherever one comes from outside."""
    threshold = replace(parse_threshold("http_reqs", "rate>50"), tags={"scenario": name})
    tagged = replace(benchmark.summaries[0], tags={"operation": name})
    hostile = replace(
        benchmark,
        name=f"b{name}",
        verdicts=(threshold.judge(6.0),),
        summaries=(tagged, replace(tagged, tags={"source": name})),
        problems=(name,),
        series=(TimeSeries(f"s{name}", name, ((0.0, 1.0), (1.0, 2.0))),),
    )
    return replace(
        report,
        run_id=name,
        profile=name,
        target=name,
        environment={f"e{name}": name},
        notices=(name,),
        benchmarks=(hostile,),
        diffs=tuple((name, diff) for _, diff in report.diffs),
        paths={"html": name},
        history_path=name,
    )


@pytest.fixture
def harmless(full: RunReport, api: BenchmarkReport) -> RunReport:
    """Give a report with a name that holds nothing but letters."""
    return named(full, api, "harmless")


@pytest.fixture
def harmless_page(harmless: RunReport) -> Parsed:
    """Give the page of that report."""
    return Parsed(render_html(harmless))


@pytest.fixture
def harmless_comment(harmless: RunReport) -> list[str]:
    """Give the lines of its Markdown."""
    return render_markdown(harmless).splitlines()


@every_time
@given(name=NAMES)
def test_no_name_changes_the_elements_of_the_page(
    full: RunReport, api: BenchmarkReport, harmless_page: Parsed, name: str
) -> None:
    page = Parsed(render_html(named(full, api, name)))

    without_breaks = [element for element in page.elements if element[0] != "wbr"]
    assert without_breaks == [element for element in harmless_page.elements if element[0] != "wbr"]
    shown = "".join(page.text.split())
    assert shown.count("".join(printable(name).split())) >= 10


def in_words(markdown: str) -> str:
    """Give what a reader sees of one line of Markdown."""
    (inline,) = READER.parseInline(markdown)
    assert {part.type for part in inline.children or ()} <= {"text", "text_special"}
    return "".join(part.content for part in inline.children or ())


@given(NAMES)
def test_markdown_shows_a_name_as_it_is(name: str) -> None:
    seen = in_words(f"a{escaped(name)}b")

    assert seen.replace("@\u200b", "@") == f"a{printable(name)}b"


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("api_user_creation", "api_user_creation"),
        ("__init__", r"\_\_init\_\_"),
        ("$.id, $.n", r"\$.id, \$.n"),
        ("~~gone~~", r"\~\~gone\~\~"),
        ("&lt;b&gt;", r"\&lt;b\&gt;"),
        ("ask @torvalds, a@b.c", "ask @\u200btorvalds, a@b.c"),
    ],
)
def test_markdown_escapes_what_github_would_read(name: str, right: str) -> None:
    assert escaped(name) == right


@every_time
@given(name=NAMES)
def test_no_name_adds_a_line_or_a_cell_to_the_comment(
    full: RunReport, api: BenchmarkReport, harmless_comment: list[str], name: str
) -> None:
    comment = render_markdown(named(full, api, name)).splitlines()

    assert [_shape(line) for line in comment] == [_shape(line) for line in harmless_comment]


def _shape(line: str) -> tuple[str, int]:
    """Give how a line begins, and the number of its cells."""
    cells = line.replace("\\\\", "").replace("\\|", "").count("|")
    return line[:2] if line[:1] in "#-|<" else "", cells


@every_time
@given(name=NAMES)
def test_a_picture_with_any_name_on_it_is_a_document_of_xml(
    api: BenchmarkReport, name: str
) -> None:
    points = ((0.0, 1.0), (1.0, 2.0))
    series = tuple(TimeSeries(f"{line}{name}", name, points, name, 1.0) for line in "ab")

    _, drawn = main_picture(replace(api, series=series))

    (panel,) = panels(series)
    root = ET.fromstring(drawn.encode())  # noqa: S314 - our own picture
    legend = [text.text for text in root.iter(f"{SVG}text")][-2:]
    assert legend == [printable(line.name) for line in panel.lines]
