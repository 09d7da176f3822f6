"""What the pages of docs/ show, for tests that execute it.

Add here: another kind of example. Keep out: claims about a page; each test's own.
"""

import re
from pathlib import Path

from perf_pipeline_tests.support.places import ROOT


def blocks(page: str, language: str) -> list[str]:
    """Give the examples in a language on a page, in their order."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def commands_on(page: str, profile: Path) -> list[list[str]]:
    """Give the arguments of each `perf-pipeline` in a page's console, with a profile in its place.

    Args:
        page: with one example in the language console.
        profile: where the file is that the page calls by its name alone.
    """
    (console,) = blocks(page, "console")
    lines = [line.removeprefix("$ perf-pipeline ").split() for line in console.splitlines()]
    return [[str(profile) if word == profile.name else word for word in line] for line in lines]
