"""The scripts that our pages embed, with the library that they draw with.

Add here: another script. Keep out: the content of pages.
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
        ours: our scripts that the page embeds, in their order.
    """
    return {
        "connects": "",  # the page of a finished run makes no requests
        "library": {part: script(f"uPlot-{_UPLOT}.{file}") for part, file in _LIBRARY.items()},
        "scripts": [script(name) for name in ours],
    }
