"""The page that follows a run, built from parts of the report: its head, tables and plots.

Add here: another part. Keep out: messages to the page (following/), and its changes
(scripts/live.js).
"""

from collections.abc import Iterable, Sequence
from typing import Final

from perf_pipeline.report.axis import Panel
from perf_pipeline.report.benchmark_section import plots_over_time, thinning
from perf_pipeline.report.embedded import embedded
from perf_pipeline.report.pages import html_escaped, page
from perf_pipeline.report.plot_data import as_script
from perf_pipeline.report.svg import span_of
from perf_pipeline.report.tables import Table

# Without tables.js, which sorts tables that no longer change.
_SCRIPTS: Final = ("plots.js", "live.js")


def render_live_page(state: str) -> str:
    """Return the page without content, which it requests itself.

    Args:
        state: the folder whose runs it follows, as shown to people.
    """
    return page(
        "live.html",
        html_escaped,
        **{
            **embedded(_SCRIPTS),
            "connects": "; connect-src 'self'",
            "title": "perf-pipeline watch",
            "state": state,
            "plot_data": as_script([]),
        },
    )


def live_section(number: int, benchmark: str, drawn: Sequence[Panel]) -> str:
    """Return the plots of a benchmark as HTML, over which the script draws."""
    plots = plots_over_time(number, benchmark, drawn, span_of(drawn), is_growing=True)
    return page("sections/live.html", html_escaped, plots=list(plots), thinned=thinning(drawn))


def live_tables(tables: Iterable[tuple[str, Table]]) -> str:
    """Return tables with rows as HTML, each below its title."""
    return page("sections/live_tables.html", html_escaped, tables=list(tables))


def live_glance(table: Table) -> str:
    """Return the table of a run's benchmarks as HTML."""
    return page("sections/live_glance.html", html_escaped, shown=table)


def told_html(sentences: Iterable[tuple[float, str]]) -> str:
    """Return the messages of a run as items of a list, the newest first."""
    return page("sections/live_told.html", html_escaped, told=list(sentences)[::-1])
