"""A headless Chromium that opens a page, answers questions about it, and takes its picture.

It is told what to do over its DevTools protocol (chromedevtools.github.io/devtools-protocol).

Add here: another thing that a reader's screen can be. Keep out: what a page should look like.
"""

import json
import os
import shutil
import signal
import subprocess
import time
from base64 import b64decode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from websockets.sync.client import ClientConnection

CHROMIUM: Final = shutil.which("chromium") or shutil.which("google-chrome")
_START_S: Final = 60
_ANSWER_S: Final = 60
_SHOWN: Final = """new Promise((done) => {
  const figures = "figure[data-plot]";
  const isLive = () => [...document.querySelectorAll(figures)]
    .filter((figure) => figure.checkVisibility())
    .filter((figure) => figure.getBoundingClientRect().top < innerHeight)
    .every((figure) => figure.classList.contains("live"));
  const began = performance.now();
  const look = () => isLive() || performance.now() - began > 45000
    ? requestAnimationFrame(() => requestAnimationFrame(() => done(isLive())))
    : setTimeout(look, 20);
  look();
})"""


@dataclass(frozen=True, slots=True)
class Screen:
    """Describe what a page is shown on.

    Attributes:
        width: in CSS pixels.
        scheme: of the colours that the reader prefers.
        media: screen or paper.
    """

    width: int = 1280
    scheme: Literal["light", "dark"] = "light"
    media: Literal["screen", "print"] = "screen"


@dataclass(slots=True)
class Browser:
    """Hold a browser with one page."""

    connection: "ClientConnection"
    _session: str = ""
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def call(self, method: str, **given: object) -> dict[str, Any]:
        """Call a method of the protocol, and return its result."""
        number = next(self._numbers)
        message: dict[str, object] = {"id": number, "method": method, "params": given}
        if self._session:
            message["sessionId"] = self._session
        self.connection.send(json.dumps(message))
        while True:
            answer = json.loads(self.connection.recv(timeout=_ANSWER_S))
            if answer.get("id") == number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                found: dict[str, Any] = answer["result"]
                return found

    def open_page(self) -> None:
        """Open an empty page."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        self.call("Page.enable")

    def show(self, address: str, screen: Screen, most_high: int = 4_000) -> None:
        """Show a page on a screen as high as the page, and wait until its plots are drawn."""
        features = [{"name": "prefers-color-scheme", "value": screen.scheme}]
        self.resize(screen.width, 800)
        self.call("Emulation.setEmulatedMedia", media=screen.media, features=features)
        self.call("Page.navigate", url=address)
        height = self.value("document.documentElement.scrollHeight", of=address)
        self.resize(screen.width, min(height, most_high))
        if screen.media == "screen":
            assert self.value(_SHOWN) is True

    def resize(self, width: int, height: int) -> None:
        """Give the page another screen, in CSS pixels."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=False,
        )  # fmt: skip

    def value(self, expression: str, *, of: str = "") -> Any:
        """Return the value of an expression in the page; of a page that is loaded, where named."""
        until_s = time.monotonic() + _START_S
        ready = f"document.readyState === 'complete' && location.href === {json.dumps(of)}"
        while of and not self._evaluate(ready) and time.monotonic() < until_s:
            time.sleep(0.02)
        return self._evaluate(expression)

    def _evaluate(self, expression: str) -> Any:
        found = self.call(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in found:
            raise RuntimeError(str(found["exceptionDetails"]))
        return found["result"].get("value")

    def picture(self, scale: float) -> bytes:
        """Return what is on the screen as WebP."""
        size = self.value("({ width: innerWidth, height: innerHeight })")
        return self.part({"x": 0, "y": 0, **size, "scale": scale})

    def part(self, clip: Mapping[str, float]) -> bytes:
        """Return a part of the page as WebP: x, y, width and height in CSS pixels, and a scale."""
        found = self.call("Page.captureScreenshot", format="webp", quality=60, clip={**clip})
        return b64decode(found["data"])


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """Start a browser of its own with its files in a folder, and end all of its processes."""
    # Imported here: whoever asks only whether there is a browser need not wait for it.
    from websockets.sync.client import connect  # noqa: PLC0415

    command = (
        *(CHROMIUM or "", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"),
        *("--remote-debugging-port=0", f"--user-data-dir={folder}", "about:blank"),
    )
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as process:
        try:
            port, path = _door(folder / "DevToolsActivePort")
            with connect(f"ws://127.0.0.1:{port}{path}", max_size=None, proxy=None) as connection:
                found = Browser(connection)
                found.open_page()
                yield found
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def _door(file: Path) -> tuple[str, str]:
    until_s = time.monotonic() + _START_S
    while time.monotonic() < until_s:
        lines = file.read_text().split() if file.exists() else []
        if len(lines) == 2:
            return lines[0], lines[1]
        time.sleep(0.02)
    raise TimeoutError("Chromium did not say where it listens")
