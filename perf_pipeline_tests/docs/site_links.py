"""Follow every link of the built site: `python -m perf_pipeline_tests.docs.site_links FOLDER`.

The generator checks links from page to page; this also those to files, pictures, and in the
navigation. Add here: another kind of reference. Keep out: links to other servers.
"""

import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

_REFERENCE: Final = re.compile(r"<(?:a|img|link|script|source)\b[^>]*?\s(?:href|src)=\"([^\"]*)\"")
_NAMED: Final = re.compile(r"\s(?:id|name)=\"([^\"]+)\"")
_CODE: Final = re.compile(r"<(pre|script)\b.*?</\1>", re.DOTALL)


def dead_links(site: Path) -> Iterator[str]:
    """Return each link that leads nowhere, as a sentence; the page of a missing page is none."""
    for page in sorted(site.rglob("*.html")):
        if page.name == "404.html":
            continue
        for link in sorted(set(_REFERENCE.findall(_text(page)))):
            if (why := _why_dead(page, link.replace("&amp;", "&"))) is not None:
                yield f"{page.relative_to(site)}: {link} {why}"


def _why_dead(page: Path, link: str) -> str | None:
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return None
    target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
    if not target.is_file():
        return "is no file"
    anchor = unquote(parts.fragment)
    if anchor and target.suffix == ".html" and anchor not in _names(target):
        return "names no place on that page"
    return None


@cache
def _text(page: Path) -> str:
    return _CODE.sub("", page.read_text(encoding="utf-8"))


@cache
def _names(page: Path) -> frozenset[str]:
    return frozenset(_NAMED.findall(page.read_text(encoding="utf-8"))) | {"__top"}


def main() -> None:
    """Tell the dead links, and end with 1 where there are any."""
    dead = list(dead_links(Path(sys.argv[1])))
    if dead:
        sys.exit("\n".join([*dead, f"{len(dead)} dead links on the site"]))


if __name__ == "__main__":
    main()
