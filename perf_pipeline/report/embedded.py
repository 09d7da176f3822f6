"""The scripts that every page of ours carries, and the library that they draw with.

Add here: another script. Keep out: what a page says.
"""

from collections.abc import Sequence
from types import MappingProxyType
from typing import Final

from perf_pipeline.report.pages import script

_UPLOT: Final = "1.6.32"
_LIBRARY: Final = MappingProxyType(
    {"licence": "LICENSE", "style": "min.css", "code": "iife.min.js"}
)
_OURS: Final = ("tables.js", "plots.js")


def embedded(ours: Sequence[str] = _OURS) -> dict[str, object]:
    """Return what the templates base.html and scripts.html need, by name.

    Args:
        ours: scripts of ours that the page carries, in their order.
    """
    return {
        "connects": "",  # a page of a run that is over asks nobody
        "library": {part: script(f"uPlot-{_UPLOT}.{file}") for part, file in _LIBRARY.items()},
        "scripts": [script(name) for name in ours],
    }
