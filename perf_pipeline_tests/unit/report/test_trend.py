import re
from dataclasses import replace

import pytest

from perf_pipeline.analysis.baseline import Series
from perf_pipeline.analysis.scale import Effect, Scale
from perf_pipeline.report.html import render_html
from perf_pipeline.report.markdown import render_markdown
from perf_pipeline.report.model import Origin, RunReport
from perf_pipeline.report.terminal import render_terminal
from perf_pipeline.report.trend import Trend, TrendChange, TrendRun, lines
from perf_pipeline.report.trend_plot import trend_plot

P95 = Series("http_req_duration", {}, "p(95)")
SLOWER = Effect(0.25, None, None, Scale.RELATIVE)


def trend(*values: float, band: tuple[float, float] | None = None) -> Trend:
    runs = tuple(
        TrendRun(f"r{n}", f"2026-11-{n + 1:02}T00:00:00+00:00", value, place=n)
        for n, value in enumerate(values)
    )
    return Trend("api_user_creation", P95, runs, band=band)


def changed(one: Trend, *places: int) -> Trend:
    marks = tuple(TrendChange(n, SLOWER, 80.0, 100.0, "history") for n in places)
    return replace(one, changes=marks)


def test_runs_are_drawn_to_scale_with_this_run_as_a_large_dot() -> None:
    # x from 60 to 462 over three runs; y from 172 (0) to 30 (100): 50 is half way up
    svg = trend_plot(trend(0.0, 50.0, 100.0))

    assert '<path d="M60.0 172.0L261.0 101.0L462.0 30.0"/>' in svg
    assert re.findall(r'r="(\d)"', svg) == ["2", "2", "5"]


def test_the_band_is_where_this_run_was_expected() -> None:
    # 142 units for 0 to 100: 40 to 60 is 28.4 high, and its upper edge is 172 - 0.6 * 142 = 86.8
    svg = trend_plot(trend(0.0, 100.0, 50.0, band=(40.0, 60.0)))

    assert '<rect class="band" x="52" y="86.8" width="410" height="28.4"/>' in svg
    assert "expected 40 ms to 60 ms" in svg


def test_a_change_of_level_is_a_dated_line_with_its_per_cent() -> None:
    svg = trend_plot(changed(trend(80.0, 80.0, 100.0), 2))

    assert '<line class="change" x1="462.0"' in svg
    assert ">2026-11-03 +25.0 %</text>" in svg


def test_the_labels_of_neighbouring_changes_do_not_lie_on_each_other() -> None:
    svg = trend_plot(changed(trend(*[80.0] * 30), 10, 11))

    assert re.findall(r'text class="change" x="[^"]+" y="(\d+)"', svg) == ["25", "12"]


@pytest.mark.parametrize(
    ("values", "band"),
    [
        ((5.0,), None),
        ((0.0, 0.0), None),
        ((-3.0, -2.0), (-4.0, -1.0)),
        ((5.0, 5.0), (1e-9, 1e12)),
        (tuple(float(n % 7) for n in range(60)), (1.0, 3.0)),
    ],
    ids=["one_run", "zeros", "negative", "boundless_band", "sixty_runs"],
)
def test_every_drawing_stays_inside_its_frame(
    values: tuple[float, ...], band: tuple[float, float] | None
) -> None:
    svg = trend_plot(trend(*values, band=band))
    heights = [float(y) for y in re.findall(r'c?y[12]?="([^"]+)"', svg)]

    assert min(heights) >= 0
    assert max(heights) <= 210
    assert "nan" not in svg


def test_an_aborted_run_is_not_drawn_as_if_it_were_comparable() -> None:
    svg = trend_plot(replace(trend(80.0, 81.0), has_newest=False))

    assert 'r="5"' not in svg
    assert "this run has no comparable figure" in svg


def test_without_an_earlier_run_that_is_said(full: RunReport) -> None:
    assert "no earlier run" in render_html(replace(full, trends=(trend(80.0),)))
    assert "no earlier run" not in render_html(replace(full, trends=()))


def test_what_changed_is_shown_first_and_the_rest_is_folded(full: RunReport) -> None:
    calm = replace(trend(1.0, 1.0), benchmark="calm")
    page = render_html(replace(full, trends=(calm, changed(trend(80.0, 100.0), 1))))
    html = page[page.index('<section id="over-the-runs">') :]

    assert html.index("api_user_creation") < html.index("<details>") < html.index("calm")
    assert "1 more trend<" in html


def test_the_newest_changes_are_told_and_the_rest_is_counted() -> None:
    told = lines([changed(trend(*[80.0] * 8), 1, 2, 3, 4, 5, 6, 7)])

    assert [sentence.split(" of ")[0] for _, _, sentence in told[:2]] == [
        "+25.0 % since run r7",
        "+25.0 % since run r6",
    ]
    assert told[-1][2].startswith("2 older changes of level")


def test_what_changed_last_is_told_first_although_a_clock_was_set_back() -> None:
    early = [TrendRun("r1", "2030-01-01T00:00:00+00:00", 80.0, place=1)]
    late = [TrendRun("r2", "2026-11-01T00:00:00+00:00", 100.0, place=2)]
    runs = (*early, *late)
    ahead, now = (changed(Trend("b", P95, runs), place) for place in (0, 1))

    assert re.findall(r"since run (r\d)", str(lines([ahead, now]))) == ["r2", "r1"]


def test_every_report_names_a_change_in_the_same_words(full: RunReport) -> None:
    report = replace(full, trends=(changed(trend(80.0, 80.0, 100.0), 2),))
    sentence = "+25.0 % since run r2 of 2026-11-03, from 80 ms to 100 ms"

    assert sentence in render_html(report)
    assert sentence in render_markdown(report)
    assert sentence in " ".join(render_terminal(report, 200).split())


def test_the_page_says_where_each_comparison_comes_from(full: RunReport) -> None:
    origin = Origin("api_user_creation", "a p(95)", "history", ("r1", "r2"), "cafe01", "0.1.0")
    html = render_html(replace(full, origins=(origin, replace(origin, series="b <p(95)>"))))

    assert "where each comparison comes from" in html
    assert html.count("r1 r2") == 1
    assert "configuration cafe01, perf_pipeline 0.1.0" in html
    assert "api_user_creation a p(95), api_user_creation b &lt;p(95)&gt;" in html


@pytest.mark.parametrize("found_by", ["gate", "accepted", "machine", "history"])
def test_a_change_is_never_called_a_mere_warning_beside_a_run_that_fails(found_by: str) -> None:
    slower = trend(80.0, 80.0, 100.0)
    found = TrendChange(2, SLOWER, 80.0, 100.0, found_by)

    ((status, _, sentence),) = lines([replace(slower, changes=(found,))])

    assert status == "CHANGED"
    assert "a warning only" not in sentence


def test_a_share_is_drawn_in_percent_and_never_below_zero() -> None:
    runs = tuple(TrendRun(f"r{n}", f"2026-01-0{n}", 0.01 * n, n) for n in range(1, 4))
    failed = Trend("api", Series("http_req_failed", {}, "rate"), runs, band=(-0.04, 0.03))
    drawn = trend_plot(failed)

    assert re.findall(r">([^<>]+)</text>", drawn)[:5] == ["0", "1", "2", "3", "%"]
    assert "expected 0 % to 3 %" in drawn
    assert "ratio" not in drawn
