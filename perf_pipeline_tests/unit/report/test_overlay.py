"""Two runs over one another: what moved comes first, each plot has a line of both."""

from dataclasses import replace

from perf_pipeline.analysis.baseline import BaselinePolicy, DiffStatus, Series
from perf_pipeline.analysis.pinned import pair_diff
from perf_pipeline.report.axis import Panel
from perf_pipeline.report.model import TimeSeries
from perf_pipeline.report.overlay import OverlaidBenchmark, Overlay, render_overlay, summary
from perf_pipeline_tests.unit.report.conftest import HISTORY
from perf_pipeline_tests.unit.report.test_html import Outline

P95 = Series("http_req_duration", {}, "p(95)")
SLOWER = pair_diff(P95, 3.0, 4.0, HISTORY, against="r1", policy=BaselinePolicy())
LIKE = pair_diff(P95, 3.0, 3.01, HISTORY, against="r1", policy=BaselinePolicy())


def line(name: str, *values: float) -> TimeSeries:
    return TimeSeries(name, "ms", tuple((float(n), value) for n, value in enumerate(values)))


def overlay() -> Overlay:
    panel = Panel("service time of get p95", "ms", (line("A", 1.0, 2.0), line("B", 3.0, 9.0)))
    silent = Panel("locks", "locks", (line("A", 0.0), line("B", 0.0)))
    shop = OverlaidBenchmark("<shop>", (panel, silent), ())
    diffs = (("<shop>", LIKE), ("<shop>", SLOWER))
    return Overlay(("run r1", "run <r2>"), ("versions differ: 1 -> 2",), diffs, (shop,))


def test_the_page_is_balanced_and_escapes_what_it_shows() -> None:
    page = Outline()
    page.feed(render_overlay(overlay()))
    text = "".join(page.text)

    assert page.open == []
    assert "run <r2>" in text
    assert "versions differ: 1 -> 2" in text
    assert "shop" not in page.tags
    assert set(page.links) <= {f"#{name}" for name in page.ids}
    assert page.tags.count("figure") == 1


def test_what_moved_is_shown_before_what_did_not() -> None:
    page = render_overlay(overlay())

    assert page.index("+33.3 %") < page.index("1 series without a clear change")
    assert page.index("1 series without a clear change") < page.index("+0.3 %")


def test_a_sentence_counts_what_is_worse_and_better() -> None:
    assert SLOWER.status is DiffStatus.SUSPECT
    assert summary(overlay()) == (
        "Of 2 series that both runs have, 1 is worse and 0 are better in B than the spread of the "
        "runs like A explains."
    )
    few = replace(LIKE, status=DiffStatus.LEARNING)
    assert "1 can't be judged, because too few runs are like A" in summary(
        replace(overlay(), diffs=(("shop", few),))
    )
    assert summary(replace(overlay(), diffs=())).startswith("No series is in both runs")
