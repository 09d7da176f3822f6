"""Keep files that drivers sent to this host by their hash, so that each is sent only once.

Add here: another rule about keeping files. Keep out: connections (agent.py), and the choice of
files (shipment.py).
"""

import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

from perf_pipeline.fleet.shipment import hash_of

_KEPT_S: Final = 30 * 24 * 3_600
_HASH: Final = re.compile(r"[0-9a-f]{64}")


def folder_of_host() -> Path:
    """Return the folder for fleets on this host, which only this user may enter.

    Raises:
        OSError: the folder belongs to somebody else, or can't be created.
    """
    folder = Path(tempfile.gettempdir()) / f"perf-pipeline-fleet-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if found.st_uid != os.getuid() or found.st_mode & 0o077 or folder.is_symlink():
        raise PermissionError(f"{folder} is not this user's alone")
    return folder


class KeptFiles:
    """Keep files by their hash.

    Args:
        folder: the folder of the files; it is created.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        self._folder = folder
        self._arriving: dict[str, tuple[IO[bytes], Path]] = {}

    def lacking(self, hashes: Iterable[str]) -> list[str]:
        """Return the hashes whose files are missing or no longer complete.

        Raises:
            ValueError: a text is not a hash.
        """
        wanted = sorted(set(hashes))
        for text in wanted:
            if not _HASH.fullmatch(text):
                raise ValueError(f"{text[:80]!r} is no SHA-256")
        return [text for text in wanted if not self._has(text)]

    def _has(self, text: str) -> bool:
        path = self._folder / text
        if not path.is_file() or hash_of(path) != text:
            return False
        os.utime(path)
        return True

    def take(self, text: str, data: bytes) -> None:
        """Take the next bytes of a file; empty bytes mark its end.

        Raises:
            ValueError: the file does not match its hash.
        """
        if not _HASH.fullmatch(text):
            raise ValueError(f"{text[:80]!r} is no SHA-256")
        if text not in self._arriving:
            fd, name = tempfile.mkstemp(dir=self._folder, prefix="arriving-")
            self._arriving[text] = os.fdopen(fd, "wb"), Path(name)
        file, path = self._arriving[text]
        file.write(data)
        if data:
            return
        file.close()
        del self._arriving[text]
        if hash_of(path) != text:
            path.unlink()
            raise ValueError(f"a file arrived that is not {text[:12]}…")
        path.rename(self._folder / text)

    def lay_out(self, folder: Path, files: Mapping[str, str]) -> None:
        """Copy files to their places below a folder, and remove files that were unused for a month.

        Raises:
            ValueError: a place is outside the folder.
        """
        for place, text in files.items():
            path = folder / place
            if not path.resolve().is_relative_to(folder.resolve()):
                raise ValueError(f"{place[:100]!r} is outside the folder")
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self._folder / text, path)
        for path in self._folder.iterdir():
            with suppress(FileNotFoundError):  # another agent has taken or removed it
                if path.stat().st_mtime < time.time() - _KEPT_S:  # noqa: TID251 - the age of a file
                    path.unlink()
