"""Pages of every kind of run look as they did when somebody last looked at them.

`python -m perf_pipeline_tests.support.golden_pictures` takes the pictures anew.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from perf_pipeline_tests.support.browser import Browser, Screen, browser
from perf_pipeline_tests.support.golden_pictures import (
    FOLDER,
    MADE_BY,
    MOST_DIFFERENT,
    difference,
    maker,
    picture_of,
    scenes,
)


def test_every_kind_of_run_has_its_pictures() -> None:
    assert {path.stem for path in FOLDER.glob("*.webp")} == {name for name, _, _ in scenes()}


def test_where_no_program_names_a_font_nobody_took_the_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert maker() != MADE_BY.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Give a browser where it is the one that took the pictures."""
    known, here = MADE_BY.read_text(encoding="utf-8"), maker()
    if here != known:
        pytest.skip(f"the pictures are those of {known.strip()}, and here is {here.strip()}")
    with browser(tmp_path_factory.mktemp("browser")) as found:
        yield found


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder for pages, each of which is written once for all screens."""
    return tmp_path_factory.mktemp("pages")


@pytest.mark.parametrize(
    ("name", "kind", "screen"), [pytest.param(*scene, id=scene[0]) for scene in scenes()]
)
def test_a_page_looks_as_it_did_and_is_not_wider_than_its_screen(
    opened: Browser, pages: Path, tmp_path: Path, name: str, kind: str, screen: Screen
) -> None:
    seen = picture_of(opened, pages, kind, screen)

    assert opened.value("document.documentElement.scrollWidth") <= screen.width
    share = difference(opened, (FOLDER / f"{name}.webp").read_bytes(), seen)
    if share > MOST_DIFFERENT:
        (tmp_path / "seen.webp").write_bytes(seen)
    assert share <= MOST_DIFFERENT, f"look at {tmp_path / 'seen.webp'} beside {name}.webp"


def test_a_line_that_is_gone_makes_another_picture(opened: Browser, tmp_path: Path) -> None:
    whole = picture_of(opened, tmp_path, "no-data", Screen())
    page = tmp_path / "no-data.html"
    page.write_text(page.read_text().replace("<h2>Thresholds</h2>", "<h2></h2>"))

    assert difference(opened, whole, whole) == 0
    assert difference(opened, whole, picture_of(opened, tmp_path, "no-data", Screen())) > 0
