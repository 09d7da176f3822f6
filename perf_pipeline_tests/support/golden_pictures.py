"""The pictures that reports of every kind are compared with; run it to renew them.

    python -m perf_pipeline_tests.support.golden_pictures

Look at each new picture before it is committed. They hold for the Chromium and the fonts that made
them, which `made_by.txt` beside them names: letters of another font are other pictures.

Add here: another screen. Keep out: reports (report_kinds.py), and the browser (browser.py).
"""

import re
import shutil
import subprocess
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from perf_pipeline.report.html import render_html
from perf_pipeline_tests.support.browser import CHROMIUM, Browser, Screen, browser
from perf_pipeline_tests.support.places import ROOT
from perf_pipeline_tests.support.report_kinds import KINDS

FOLDER: Final = ROOT / "perf_pipeline_tests" / "integration" / "report" / "pictures"
MADE_BY: Final = FOLDER / "made_by.txt"
MOST_DIFFERENT: Final = 0.005
"""Share of the pixels, each the mean of 4 x 4, that may differ by more than an eighth of black to
white in a colour: letters may be smoothed otherwise, and nothing may move or be gone."""
_LARGE: Final = Screen()
_SMALL: Final = Screen(width=400)
_DARK: Final = Screen(scheme="dark")
_PAPER: Final = Screen(width=800, media="print")
_ALL_SCREENS: Final = frozenset({"aborted", "two-hours"})
_SCALE: Final = 0.5
_DIFFERENT: Final = """(async () => {
  const pixels = async (data) => {
    const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
    const picture = await createImageBitmap(new Blob([bytes]));
    const [width, height] = [Math.ceil(picture.width / 4), Math.ceil(picture.height / 4)];
    const canvas = new OffscreenCanvas(width, height).getContext("2d");
    canvas.imageSmoothingQuality = "high";
    canvas.drawImage(picture, 0, 0, width, height);
    return canvas.getImageData(0, 0, width, height);
  };
  const [a, b] = await Promise.all([pixels(GOLDEN), pixels(SEEN)]);
  if (a.width !== b.width || a.height !== b.height) return 1;
  let different = 0;
  for (let at = 0; at < a.data.length; at += 4) {
    different += [0, 1, 2].some((color) => Math.abs(a.data[at + color] - b.data[at + color]) > 32);
  }
  return different / (a.data.length / 4);
})()"""


def scenes() -> Iterator[tuple[str, str, Screen]]:
    """Yield each picture: its name, the kind of run, and the screen."""
    for kind in KINDS:
        screens = {"large": _LARGE, "small": _SMALL}
        if kind in _ALL_SCREENS:
            screens |= {"dark": _DARK, "paper": _PAPER}
        for name, screen in screens.items():
            yield f"{kind}-{name}", kind, screen


def picture_of(opened: Browser, folder: Path, kind: str, screen: Screen) -> bytes:
    """Return the picture of a kind of run on a screen, as WebP at half its size."""
    page = folder / f"{kind}.html"
    if not page.exists():
        page.write_text(render_html(KINDS[kind]()), encoding="utf-8")
    opened.show(page.as_uri(), screen)
    return opened.picture(_SCALE)


def difference(opened: Browser, golden: bytes, seen: bytes) -> float:
    """Return the share of the pixels that differ; 1 for pictures of other sizes.

    It is worked out in the page that is shown: another one takes a process, a quarter of the CPU.
    """
    first, second = (f'"{b64encode(data).decode()}"' for data in (golden, seen))
    share: float = opened.value(_DIFFERENT.replace("GOLDEN", first).replace("SEEN", second))
    return share


def maker() -> str:
    """Name the browser's main version and the font, on which pictures depend."""
    found = re.search(r"(\w+) (\d+)\.", _said(CHROMIUM, "--version"))
    font = _said(shutil.which("fc-match"), "system-ui").strip()
    return f"{found[1]} {found[2]}, {font}\n" if found else "no browser\n"


def _said(program: str | None, word: str) -> str:
    """Return what a program answers to a word; nothing where it is not there."""
    if program is None:
        return ""
    return subprocess.run([program, word], capture_output=True, text=True, check=False).stdout


def renew() -> None:
    """Take all pictures anew."""
    FOLDER.mkdir(exist_ok=True)
    with TemporaryDirectory() as scratch, browser(Path(scratch) / "browser") as opened:
        for name, kind, screen in scenes():
            (FOLDER / f"{name}.webp").write_bytes(picture_of(opened, Path(scratch), kind, screen))
    MADE_BY.write_text(maker(), encoding="utf-8")


if __name__ == "__main__":
    renew()
