"""The pictures of the documentation; run it to take them anew, with Chromium.

    python -m perf_pipeline_tests.docs.pictures report.html http://127.0.0.1:46283/…/

It is given the report of a real run, such as the last one of the tutorial, and the address at which
a run that goes on is watched; each may be left out. What Dagster's UI shows of this checkout is
started for it. Look at each picture before it is committed.

Add here: another picture that a page shows. Keep out: pictures that tests compare
(support/golden_pictures.py).
"""

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Final

from perf_pipeline.stack.service import free_port
from perf_pipeline_tests.support.browser import Browser, Screen, browser
from perf_pipeline_tests.support.open_ports import is_open
from perf_pipeline_tests.support.places import ROOT

FOLDER: Final = ROOT / "docs" / "pictures"
_SCREEN: Final = Screen()
_WIDE: Final = Screen(width=1_600)
_GRAPH_WIDTH: Final = 1_500
_GRAPH_HEIGHT: Final = 1_600  # with every group open it is higher than a screen
_HEIGHT: Final = 900
_SCALE: Final = 0.75
_SCREENFUL: Final[Mapping[str, float]] = MappingProxyType(
    {"x": 0, "y": 0, "width": _SCREEN.width, "height": _HEIGHT, "scale": _SCALE}
)
_UI_WITHIN_S: Final = 180.0
_DRAWN_WITHIN_S: Final = 60.0
_DRAWN_S: Final = 3.0

# Dagster's UI: the two panels at the left are closed, and Alt+E opens every group.
_ONLY_THE_GRAPH: Final = """{
  const leaves = [...document.querySelectorAll("*")].filter((one) => !one.childElementCount);
  leaves.find((one) => one.textContent === "Hide navigation").click();
  [...document.querySelectorAll("[aria-label=panel_show_right]")].at(-1).closest("button").click();
  const zoom = document.querySelector("[aria-label=zoom_in]").closest("button").parentElement;
  zoom.parentElement.style.visibility = "hidden";
  const keys = { code: "KeyE", key: "e", altKey: true, bubbles: true };
  document.dispatchEvent(new KeyboardEvent("keydown", keys));
}"""
_AROUND_THE_GRAPH: Final = """(() => {
  const boxes = [...document.querySelectorAll("foreignObject")]
    .map((one) => one.getBoundingClientRect()).filter((box) => box.width);
  const x = Math.min(...boxes.map((box) => box.left));
  const y = Math.min(...boxes.map((box) => box.top));
  const right = Math.max(...boxes.map((box) => box.right));
  const bottom = Math.max(...boxes.map((box) => box.bottom));
  return { x: x - 8, y: y - 8, width: right - x + 16, height: bottom - y + 16 };
})()"""


def take(opened: Browser, name: str, clip: Mapping[str, float]) -> None:
    """Keep a part of what the browser shows as a picture of the documentation."""
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{name}.webp").write_bytes(opened.part(clip))


def report(opened: Browser, page: Path) -> None:
    """Take the first screen of a report, and its first plots."""
    opened.show(page.absolute().as_uri(), _SCREEN)
    take(opened, "report", _SCREENFUL)
    first = "document.querySelector('figure[data-plot]').getBoundingClientRect().top"
    take(opened, "plots", {**_SCREENFUL, "y": opened.value(first)})


def watched(opened: Browser, address: str) -> None:
    """Take the page of a run that goes on."""
    opened.show(address, _SCREEN, most_high=_HEIGHT)
    _wait_for(opened, "SO FAR")
    time.sleep(_DRAWN_S)
    take(opened, "watch", _SCREENFUL)


def graph(opened: Browser, address: str) -> None:
    """Take the graph of all assets in Dagster's UI, with every group open."""
    opened.show(f"{address}/asset-groups", _WIDE, most_high=_HEIGHT)
    _wait_for(opened, "Materialize all")
    opened.resize(_WIDE.width, _GRAPH_HEIGHT)
    opened.value(_ONLY_THE_GRAPH)
    _wait_for(opened, "day_simulation")
    time.sleep(_DRAWN_S)  # the graph is moved into the middle
    found = opened.value(_AROUND_THE_GRAPH)
    take(opened, "graph", {**found, "scale": _GRAPH_WIDTH / found["width"]})


def _wait_for(opened: Browser, text: str) -> None:
    until_s = time.monotonic() + _DRAWN_WITHIN_S
    while text not in (shown := opened.value("document.body.innerText")):
        assert time.monotonic() < until_s, shown
        time.sleep(1)


@contextmanager
def ui(state: Path) -> Iterator[str]:
    """Serve Dagster's UI of this checkout; give its address."""
    port = free_port()
    command = Path(sys.executable).with_name("perf-pipeline")
    words = [str(command), "--state", str(state), "ui", "--port", str(port)]
    process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        until_s = time.monotonic() + _UI_WITHIN_S
        while not is_open(port):
            assert time.monotonic() < until_s
            time.sleep(0.5)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def main() -> None:
    """Take the pictures of a report, where one is named, and that of the graph."""
    with TemporaryDirectory() as scratch, browser(Path(scratch) / "browser") as opened:
        for page in sys.argv[1:]:
            if page.startswith("http://"):
                watched(opened, page)
            else:
                report(opened, Path(page))
        with ui(Path(scratch) / "state") as address:
            graph(opened, address)


if __name__ == "__main__":
    main()
