"""The site of the documentation: its navigation, its links, and the versions that a server offers.

Building it is `make check`'s business. Add here: what the site promises beside its pages.
Keep out: the pages (test_pages.py).
"""

import json
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from perf_pipeline import __version__
from perf_pipeline_tests.docs.generate import DOCS, ROOT
from perf_pipeline_tests.docs.site_links import dead_links

CONFIGURATION: Final = ROOT / ".ci" / "site" / "zensical.toml"


def pages_in(navigation: list[Any]) -> Iterator[str]:
    for entry in navigation:
        for target in entry.values():
            yield from [target] if isinstance(target, str) else pages_in(target)


def test_every_page_has_its_place_in_the_navigation_and_nothing_else_has() -> None:
    navigation = tomllib.loads(CONFIGURATION.read_text("utf-8"))["project"]["nav"]
    listed = list(pages_in(navigation))
    written = {f"docs/{path.name}" for path in DOCS.glob("*.md")}
    made = {"README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/decisions/README.md"}

    assert set(listed) == written | made, "a page of docs/ is a line of nav in .ci/site"
    assert len(listed) == len(set(listed))


def test_links_that_lead_nowhere_are_told_with_their_page(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "good.html").write_text('<h2 id="here">', encoding="utf-8")
    (tmp_path / "index.html").write_text(
        '<a href="docs/good.html#here">fine</a> <a href="https://example.org/x">elsewhere</a>'
        '<pre><a href="shown.html">an example</a></pre> <a class="b" href="docs/good.html#gone">'
        '<img alt="" src="docs/picture.png"> <a href="docs">',
        encoding="utf-8",
    )

    assert list(dead_links(tmp_path)) == [
        "index.html: docs is no file",
        "index.html: docs/good.html#gone names no place on that page",
        "index.html: docs/picture.png is no file",
    ]


def test_a_server_offers_each_version_and_leads_to_the_newest(tmp_path: Path) -> None:
    # As the script finds them: a checkout with a site that was built, and a folder of a server.
    checkout, server = tmp_path / "checkout", tmp_path / "server"
    script = checkout / ".ci" / "site" / "publish"
    script.parent.mkdir(parents=True)
    script.write_text((CONFIGURATION.parent / "publish").read_text("utf-8"), encoding="utf-8")
    (checkout / ".perf/site/html").mkdir(parents=True)
    (checkout / ".perf/site/html/index.html").write_text("new", encoding="utf-8")
    (checkout / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text("utf-8"), "utf-8")
    (server / "0.0.9").mkdir(parents=True)

    subprocess.run(["bash", script, server], check=True)

    offered = json.loads((server / "versions.json").read_text("utf-8"))
    assert [entry["version"] for entry in offered] == [__version__, "0.0.9"]
    assert (server / __version__ / "index.html").read_text("utf-8") == "new"
    assert f"url={__version__}/index.html" in (server / "index.html").read_text("utf-8")
