"""The frame that drawings over an axis of numbers share: its size, its scales and its columns.

Add here: another part of the frame. Keep out: what is drawn in it (…_plot.py), colours (the page's
style sheet), and lines over time (svg.py).
"""

import math
from dataclasses import dataclass
from typing import Final

from perf_pipeline.report.pages import html_escaped as escaped

WIDTH: Final = 480
HEIGHT: Final = 210
LEFT: Final = 52
RIGHT: Final = 470
TOP: Final = 22
BOTTOM: Final = 172


@dataclass(frozen=True, slots=True)
class AxisScale:
    """Map values to a coordinate, in equal factors or in equal steps.

    Attributes:
        low: value at `begin`.
        high: value at `end`.
        begin: coordinate.
        end: coordinate.
        is_log: in equal factors.
    """

    low: float
    high: float
    begin: float
    end: float
    is_log: bool = False

    def __call__(self, value: float) -> float:
        """Return where a value is."""
        low, high = (math.log10(edge) if self.is_log else edge for edge in (self.low, self.high))
        at = math.log10(max(value, self.low)) if self.is_log else value
        return self.begin + (at - low) / (high - low) * (self.end - self.begin)


def column(left: float, label: str) -> str:
    """Draw a line from top to bottom, with its label under it."""
    return (
        f'<line x1="{left:.1f}" y1="{TOP}" x2="{left:.1f}" y2="{BOTTOM}"/>'
        f'<text x="{left:.1f}" y="{BOTTOM + 16}" text-anchor="middle">{label}</text>'
    )


def below(text: str) -> str:
    """Write what the values of the columns are, at the right under the drawing."""
    return f'<text x="{RIGHT}" y="{HEIGHT - 6}" text-anchor="end">{escaped(text)}</text>'


def framed(title: str, key: str, in_words: str, drawn: str) -> str:
    """Put a title and a key (HTML) above a drawing, and words into it for who can't see it."""
    return (
        f'<figure class="spread"><figcaption><b>{escaped(title)}</b>: {key}</figcaption>'
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escaped(in_words)}">'
        f"{drawn}</svg></figure>"
    )
