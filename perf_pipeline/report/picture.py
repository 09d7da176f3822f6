"""Draw a plot as a stand-alone picture: an SVG with its own colours, for readers without the page.

Add here: another picture. Keep out: drawing (svg.py), and which lines there are (axis.py).
"""

from typing import Final

from perf_pipeline.report.axis import Panel
from perf_pipeline.report.benchmark_section import panels_of
from perf_pipeline.report.capacity_plot import KNEE, knee_plots
from perf_pipeline.report.capacity_texts import CapacityReport
from perf_pipeline.report.model import BenchmarkReport
from perf_pipeline.report.pages import html_escaped
from perf_pipeline.report.scaling_plot import SCALING, scaling_plots
from perf_pipeline.report.scaling_texts import ScalingReport
from perf_pipeline.report.svg import plot, span_of

_RESPONSE: Final = "response time"
# Okabe and Ito's colours, which colour-blind people tell apart (https://jfly.uni-koeln.de/color/).
_COLORS: Final = ("0072b2", "d55e00", "009e73", "cc79a7", "e69f00", "56b4e9", "000000", "7f7f7f")
_STYLE: Final = (
    "text{font:11px sans-serif;fill:#444;stroke:none}"
    "line{stroke:#ddd}.outside{fill:#000;fill-opacity:.06}"
    "path{fill:none;stroke-width:1.5}.bound{stroke:#b00020;stroke-dasharray:4 3}"
    "text.bound{fill:#b00020;stroke:none}"
    + "".join(
        f".k{place} path{{stroke:#{color}}}.k{place} circle,text.k{place}{{fill:#{color}}}"
        for place, color in enumerate(_COLORS)
    )
)
_LEGEND_AT: Final = 96
_LETTER: Final = 7


def main_picture(benchmark: BenchmarkReport) -> tuple[str, str]:
    """Return title and SVG of a benchmark's most telling plot; empty texts without one.

    That is its response time, or its first plot where it has none.
    """
    telling = [panel for panel in panels_of(benchmark) if panel.is_telling]
    telling.sort(key=lambda panel: not panel.title.startswith(_RESPONSE))
    if not telling:
        return "", ""
    return telling[0].title, _alone(telling[0], benchmark)


def knee_picture(found: CapacityReport) -> tuple[str, str]:
    """Return title and SVG of the latency over the rate of a search; empty texts without one."""
    return _grounded(KNEE, next(knee_plots(found), ""))


def scaling_picture(found: ScalingReport) -> tuple[str, str]:
    """Return title and SVG of the capacity over the number of units; empty texts without one."""
    return _grounded(SCALING, next(scaling_plots(found), ""))


def _grounded(title: str, drawn: str) -> tuple[str, str]:
    if not drawn:
        return "", ""
    opened, content = _opened(drawn)
    ground = '<rect width="100%" height="100%" fill="#fff"/>'
    return title, f"{opened}><style>{_STYLE}</style>{ground}{content}</svg>"


def _opened(drawn: str) -> tuple[str, str]:
    """Return the start tag of a drawing, as one that stands alone, and what is in it."""
    opened, _, content = drawn[drawn.index("<svg ") : drawn.index("</svg>")].partition(">")
    return opened.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" '), content


def _alone(panel: Panel, benchmark: BenchmarkReport) -> str:
    drawn = plot(panel, span_of([panel]), benchmark.measured_between_s)
    opened, content = _opened(drawn)
    return (
        f"{opened}><style>{_STYLE}</style>"
        f'<rect width="100%" height="100%" fill="#fff"/>{content}{_legend(panel)}</svg>'
    )


def _legend(panel: Panel) -> str:
    """Name the lines that are drawn, each in its colour."""
    texts, at = [], _LEGEND_AT
    for place, line in enumerate(panel.lines):
        if line in panel.shown:
            texts.append(
                f'<text class="k{place % len(_COLORS)}" x="{at}" y="12">'
                f"{html_escaped(line.name)}</text>"
            )
            at += _LETTER * (len(line.name) + 2)
    return "".join(texts)
