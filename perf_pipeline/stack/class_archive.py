"""Keep the broker's classes in an archive, so that Java starts it with half the CPU.

A broker that finds no archive writes one into the cache when it ends; later brokers map it. Java
itself refuses an archive of other jars, of jars at another path, or of another Java, and starts
without it.
Source: https://docs.oracle.com/en/java/javase/17/vm/class-data-sharing.html
Add here: something that a newer Java needs for it. Keep out: the programs.
"""

import secrets
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from zlib import crc32

from perf_pipeline.stack.java import Java
from perf_pipeline.stack.places import is_plain

_QUIET: Final = ("-Xlog:cds=off", "-Xlog:cds+dynamic=off")
_MAGIC_BYTES: Final = 4
# Java writes an archive in seconds, so one that is unfinished after this time never will be.
_ABANDONED_S: Final = 3_600.0


@dataclass(frozen=True, slots=True)
class ClassArchive:
    """Name the archive for these jars and this Java.

    Attributes:
        path: its path in the cache; None if this Java cannot have one, because it needs an archive
            of Java's own classes, which reduced run-times lack, and a lasting class path.
    """

    path: Path | None

    def flags(self, *, may_write: bool = True) -> tuple[str, ...]:
        """Return Java's flags to use the archive, or else to write one at the end.

        Args:
            may_write: whether the broker gets the time to write one when it ends.
        """
        if self.path is None:
            return ()
        self._adopt_drafts(self.path)
        if self.path.exists():
            return (f"-XX:SharedArchiveFile={self.path}", *_QUIET)
        if not may_write:
            return ()
        draft = self.path.with_suffix(f".{secrets.token_hex(4)}.draft")
        return (f"-XX:ArchiveClassesAtExit={draft}", *_QUIET)

    def _adopt_drafts(self, path: Path) -> None:
        for draft in path.parent.glob(f"{path.stem}.*.draft"):
            with suppress(OSError):  # another start was faster
                if _is_finished(draft):
                    draft.replace(path)
                elif time.time_ns() / 1e9 - draft.stat().st_mtime > _ABANDONED_S:
                    draft.unlink()


def lasting_path(jars: Path) -> Path:
    """Return the folder's lasting path without links; unchanged if Java misreads that path."""
    resolved = jars.resolve()
    return resolved if is_plain(resolved) else jars


def archive_of(jars: Path, java: Java) -> ClassArchive:
    """Return the archive for the folder of jars, which also holds it."""
    base = java.program.resolve().parents[1] / "lib" / "server" / "classes.jsa"
    can_be = base.exists() and is_plain(jars)
    name = f"broker-{java.version}-{crc32(bytes(jars)):08x}.jsa".replace("/", "_")
    return ClassArchive(jars / name if can_be else None)


def _is_finished(draft: Path) -> bool:
    """Say whether Java wrote the archive completely, since it writes the first bytes last."""
    with draft.open("rb") as file:
        return any(file.read(_MAGIC_BYTES))
