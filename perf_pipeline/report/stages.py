"""Stacked bars that show where messages spent their time: typical messages, and the slowest.

Add here: another drawing of stages. Keep out: time series (svg.py), and which tier it was
(analysis/attribution.py).
"""

from collections.abc import Iterator, Sequence
from typing import Final

from perf_pipeline.analysis.attribution import Attribution, StageTimes
from perf_pipeline.report import wording
from perf_pipeline.report.pages import html_escaped as escaped

_WIDTH: Final = 720
_LEFT: Final = 190
_ROW: Final = 26
_BAR: Final = 16

Bar = tuple[str, tuple[float | None, ...]]


def stage_bars(benchmark: str, attribution: Attribution) -> str:
    """Draw the stages of a message as stacked bars, before and now; empty if no stage took time.

    Medians do not add up to the median of the whole way exactly; the slowest tenth's means do.
    """
    bars = list(_bars(attribution.stages))
    longest_ms = max((_total(values) for _, values in bars), default=0.0)
    if longest_ms <= 0:
        return ""
    rows = "".join(
        _row(index, bar, (_WIDTH - _LEFT - 80) / longest_ms) for index, bar in enumerate(bars)
    )
    title = f"{benchmark}: stages of a message's way"
    keys = " ".join(
        f'<span class="key k{number}">{escaped(stage.stage)}</span>'
        for number, stage in enumerate(attribution.stages)
    )
    return (
        f'<figure class="stages"><figcaption><b>{escaped(title)}</b> in ms: {keys}</figcaption>'
        f'<svg viewBox="0 0 {_WIDTH} {_ROW * len(bars)}" role="img" aria-label="{escaped(title)}">'
        f"{rows}</svg></figure>"
    )


def _bars(stages: Sequence[StageTimes]) -> Iterator[Bar]:
    yield "typical message", tuple(stage.typical_ms for stage in stages)
    if any(stage.typical_before_ms is not None for stage in stages):
        yield "typical message before", tuple(stage.typical_before_ms for stage in stages)
    yield "slowest tenth", tuple(stage.tail_ms for stage in stages)
    if any(stage.tail_before_ms is not None for stage in stages):
        yield "slowest tenth before", tuple(stage.tail_before_ms for stage in stages)


def _total(values: Sequence[float | None]) -> float:
    return sum(value or 0.0 for value in values)


def _row(index: int, bar: Bar, px_per_ms: float) -> str:
    label, values = bar
    top, middle = index * _ROW + 4, index * _ROW + 4 + _BAR - 4
    x, pieces = float(_LEFT), []
    for number, value in enumerate(values):
        width = (value or 0.0) * px_per_ms
        pieces.append(
            f'<rect class="k{number}" x="{x:.1f}" y="{top}" width="{width:.1f}" height="{_BAR}"/>'
        )
        x += width
    total = wording.quantity(_total(values), "ms")
    return (
        f'<text x="{_LEFT - 8}" y="{middle}" text-anchor="end">{label}</text>'
        f'{"".join(pieces)}<text x="{x + 6:.1f}" y="{middle}">{total}</text>'
    )
