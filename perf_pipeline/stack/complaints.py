"""Read from a server's log why it did not start, as one sentence.

Add here: the complaints of another server. Keep out: starting servers.
"""

import re
from pathlib import Path
from typing import Final

from perf_pipeline.secrecy.addresses import MASK
from perf_pipeline.secrecy.known import KNOWN

TAIL_LINES: Final = 15
_FRAME: Final = re.compile(r"^\s+at |^\s+\.\.\. \d+ more|^\s*Caused by: ")
# The last complaint of PostgreSQL says why; with Java, the first one causes the others.
_FATAL: Final = re.compile(
    r"(?:FATAL|PANIC): +(?P<what>.+)|initdb: error: (?P<why>.+)|but (?P<file>could .+)"
)
_JAVA: Final = re.compile(
    r"^Exception in thread [^:]*: (?P<thrown>.+)|^Error: (?P<error>.+)"
    r"|(?:ERROR|FATAL) (?:\S+ )*?(?P<logged>[^:]+: .+)"
)
_FULL: Final = "No space left on device"


def cause_in(text: str) -> str | None:
    """Return the reason in a log why its writer ended; None if nothing is recognised."""
    if _FULL in text:
        return "the disk is full"
    fatal = [next(filter(None, found.groups())) for found in _FATAL.finditer(text)]
    if fatal:
        return str(fatal[-1]).strip()
    for line in text.splitlines():
        found = _JAVA.search(line)
        if found is not None:
            return next(group for group in found.groups() if group).strip()
    return None


def read_log(log: Path, since: int, secrets: tuple[str, ...]) -> str:
    """Return the text of the log after its first `since` bytes, with secrets masked.

    Raises:
        OSError: it cannot be read.
    """
    with log.open("rb") as file:
        file.seek(since)
        text = file.read().decode(errors="replace")
    for secret in filter(None, secrets):
        text = text.replace(secret, MASK)
    return KNOWN.mask(text)


def last_lines(text: str, lines: int = TAIL_LINES) -> str:
    """Return the last lines, indented, without the frames of Java stack traces."""
    kept = [line for line in text.splitlines() if line.strip() and not _FRAME.match(line)]
    return "\n".join(f"  {line}" for line in kept[-lines:]) or "  (empty)"
