"""The messages of a run while it goes on, as a file to follow: one JSON object per line.

The state folder has one such file, that of its newest run. Whoever writes it holds it, so that
nobody takes a killed run for one that goes on. Lines are those of `run --json`
(docs/run-events.schema.json) and `begin`, `run` and `closed`.

Add here: what concerns the file. Keep out: the messages themselves (loading/), and how they are
shown (following/).
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Final

from perf_pipeline.store.held_file import is_held, new_held_file

_STREAM: Final = "run.ndjson"
_STOP: Final = "stop"
# After so much, progress is written half as often: a run of a day stays below some 50 MB.
_QUOTA_BYTES: Final = 8 << 20
_LONGEST_LINE: Final = 1 << 20


class LiveStream:
    """Write a run's events; what can't be written is left out, as no run ends because of it.

    Args:
        folder: the folder of the stream in the state folder; made when missing.
        now_s: a clock; any start.
        quota_bytes: after which progress is written half as often, and again after as many.
    """

    def __init__(
        self, folder: Path, now_s: Callable[[], float], quota_bytes: int = _QUOTA_BYTES
    ) -> None:
        self._now_s = now_s
        self._began_s = now_s()
        self._quota_bytes = self._left_bytes = quota_bytes
        self._every = 1
        self._seen = 0
        self._file: IO[bytes] | None = None
        with suppress(OSError):
            (folder / _STOP).unlink(missing_ok=True)
            self._file = new_held_file(folder / _STREAM)
        self.write("begin", {"pid": os.getpid(), "place": place()})

    def write(self, event: str, members: Mapping[str, object]) -> None:
        """Write an event, with the time since the stream began."""
        if self._file is None:
            return
        at_s = round(self._now_s() - self._began_s, 3)
        text = json.dumps({"event": event, "at_s": at_s, **members}, ensure_ascii=False)
        line = f"{text}\n".encode(errors="replace")
        if len(line) > _LONGEST_LINE:
            return
        try:
            self._file.write(line)
        except OSError:  # a full disk ends the load where samples are written, and not here
            self.close()
        self._left_bytes -= len(line)

    def write_progress(self, members: Mapping[str, object]) -> None:
        """Write how far a load is; more seldom the longer the run takes."""
        if self._left_bytes < 0:
            self._left_bytes, self._every = self._quota_bytes, 2 * self._every
        if self._seen % self._every == 0:
            self.write("progress", members)
        self._seen += 1

    def close(self) -> None:
        """Give the lock back."""
        file, self._file = self._file, None
        if file is not None:
            with suppress(OSError):
                file.close()


class StreamReader:
    """Read the events of the newest run, those that are new at each look.

    Args:
        folder: the folder of the stream in the state folder.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / _STREAM
        self._file: IO[bytes] | None = None
        self._identity = (0, 0)

    def new_events(self) -> Iterator[Mapping[str, Any]]:
        """Yield complete events that are new; a line that is no event is left out."""
        self._follow()
        if self._file is None:
            return
        for line in _whole_lines(self._file):
            with suppress(ValueError, RecursionError):
                event = json.loads(line)
                if isinstance(event, dict) and isinstance(event.get("event"), str):
                    yield event

    @property
    def is_written(self) -> bool:
        """Say whether the process that writes it is alive and has not given it back."""
        return self._file is not None and is_held(self._file)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _follow(self) -> None:
        """Open the file of a new run, which begins with the event `begin`."""
        try:
            found = self._path.stat()
        except OSError:
            self.close()
            return
        identity = (found.st_dev, found.st_ino)
        if self._file is not None and identity == self._identity:
            return
        self.close()
        with suppress(OSError):
            self._file, self._identity = self._path.open("rb"), identity


def ask_to_stop(folder: Path) -> bool:
    """Note that somebody asked the run to stop; say whether nobody had before."""
    try:
        (folder / _STOP).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def is_asked_to_stop(folder: Path) -> bool:
    """Say whether somebody asked the run to stop."""
    return (folder / _STOP).exists()


def place() -> str:
    """Name where process ids mean what they mean here: this machine, and its container."""
    names = ""
    with suppress(OSError):
        names = str(Path("/proc/self/ns/pid").readlink())
    return f"{os.uname().nodename} {names}".strip()


def _whole_lines(file: IO[bytes]) -> Iterator[bytes]:
    """Yield new lines, and leave one that is not complete for the next look."""
    while True:
        begin = file.tell()
        line = file.readline(_LONGEST_LINE)
        if not line.endswith(b"\n"):
            file.seek(begin)
            return
        yield line
