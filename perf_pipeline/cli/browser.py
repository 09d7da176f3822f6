"""Open a file in the browser of the person at this machine.

Add here: another sign that nobody can see a window. Keep out: the files that are opened.
"""

import os
import sys
import webbrowser
from pathlib import Path


def open_in_browser(path: Path) -> bool:
    """Open a file in the browser; see `open_address`."""
    return open_address(path.resolve().as_uri())


def open_address(address: str) -> bool:
    """Open an address in the default browser, or in that of BROWSER; say whether it started.

    Without a display nothing is tried, because a text browser would take over this terminal.
    """
    has_windows = sys.platform == "darwin" or any(
        os.environ.get(name) for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY")
    )
    try:
        return has_windows and webbrowser.open(address)
    except webbrowser.Error:
        return False
