"""The templates that reports are laid out with (templates/), and what is done to every value.

A value is never HTML or Markdown unless it is Markup: everything else is made printable and is
escaped as its format needs it, also where a template forgets to ask for it.
Add here: a filter that two templates need. Keep out: what a report says (html.py, markdown.py).
"""

import re
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from markupsafe import Markup, escape

from perf_pipeline.report import wording

if TYPE_CHECKING:
    from jinja2 import Environment

Escape = Callable[[str], Markup]
_FOLDER: Final = Path(__file__).parent / "templates"

# Those below the others are of a run that is not over (following/).
_GOOD: Final = frozenset(
    {*("PASS", "OK", "IMPROVED", "COMPLETED", "HELD", "FASTER", "EQUIVALENT"), "HOLDS_SO_FAR"}
)
_STRONG: Final = frozenset({"CAPACITY", "SCALING", "FAULT", "GROWTH"})
"""They name what a line is about; neither good nor bad."""
_NEUTRAL: Final = frozenset(
    {
        *("LEARNING", "NOT_APPLICABLE", "CEILING", "NOTE", "NOT_TRIED"),
        *("TO_COME", "UNDER_WAY", "MEASURED", "NO_DATA_YET"),
    }
)
_CARE: Final = frozenset(
    {
        *("WARN", "SUSPECT", "NOTICE", "ENVIRONMENT_CHANGED", "FOUND", "NOT_SHOWN", "PROBLEM"),
        *("AT_LEAST", "UNCONFIRMED", "UNFINISHED", "UNDECIDED"),
        *("CHANGED", "MISSED_SO_FAR", "CUT_OFF"),
    }
)


def page(template: str, escaped: Escape, **values: object) -> str:
    """Lay a report out.

    Args:
        template: its file in templates/.
        escaped: makes a text harmless in the template's format.
        values: what the template shows.
    """
    return _environment(escaped).get_template(template).render(values)


def html_escaped(text: str) -> Markup:
    """Make a text printable, and harmless in HTML."""
    return escape(wording.printable(text))


@cache
def script(name: str) -> Markup:
    """Return a script of ours, or a library's, as it is in scripts/.

    Raises:
        ValueError: it would end its element early.
    """
    text = files("perf_pipeline.report").joinpath("scripts", name).read_text(encoding="utf-8")
    if "</" in text:
        raise ValueError(f"{name} has </ in it, which could end its element")
    return Markup(text)  # noqa: S704 - a file of this package


@cache
def _environment(escaped: Escape) -> "Environment":
    # Imported here: commands that lay nothing out need not wait for it.
    from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context  # noqa: PLC0415

    from perf_pipeline.report.layouts import KeptLayouts  # noqa: PLC0415

    @pass_context  # nothing of ours is worked out as a template is compiled, and so kept with it
    def finalize(_: object, value: Any) -> Markup:
        return value if isinstance(value, Markup) else escaped(str(value))

    environment = Environment(
        loader=PackageLoader("perf_pipeline.report"),
        bytecode_cache=KeptLayouts(_FOLDER, f"{escaped.__module__}.{escaped.__qualname__}"),
        optimized=False,
        autoescape=True,
        finalize=finalize,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "anchor": anchor,
        "breakable": breakable,
        "style": style,
        "words": wording.words,
    }
    return environment


def breakable(name: str) -> Markup:
    """Escape a name for HTML and let it break before a filter and after an underscore."""
    return Markup(str(html_escaped(name)).replace("_", "_<wbr>").replace("{", "<wbr>{"))  # noqa: S704 - escaped just now


def style(status: str) -> str:
    """Return the style class of a status: good, soft, strong, care or bad."""
    if status in _NEUTRAL:
        return "soft"
    if status in _STRONG:
        return "strong"
    if status in _GOOD:
        return "good"
    return "care" if status in _CARE else "bad"


def plot_id(benchmark: str, title: str) -> str:
    """Return the id of a benchmark's plot over time."""
    return anchor(f"plot-{benchmark}-{title}")


def trend_id(benchmark: str, label: str) -> str:
    """Return the id of a series' drawing over the runs."""
    return anchor(f"over-the-runs-{benchmark}-{label}")


def anchor(title: str) -> str:
    """Turn a title into the id of its section.

    >>> anchor("Against the baseline")
    'against-the-baseline'
    """
    return re.sub(r"[^a-z0-9_]+", "-", title.lower()).strip("-") or "section"
