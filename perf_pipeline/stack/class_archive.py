"""Keep the classes that the broker loads in an archive, so that Java starts it in half the CPU.

A broker that finds none writes one into the cache as it ends; later ones map it. Java itself
refuses an archive of other jars, of jars at another path, or of another Java, and starts without.
Source: https://docs.oracle.com/en/java/javase/17/vm/class-data-sharing.html
Add here: what a newer Java needs for it. Keep out: the programs.
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
# Java takes seconds to write one, so what is unfinished for so long will never be finished.
_ABANDONED_S: Final = 3_600.0


@dataclass(frozen=True, slots=True)
class ClassArchive:
    """Name the archive for these jars and this Java.

    Attributes:
        path: in the cache; None where this Java cannot have one: it needs an archive of its own
            classes to build on, which cut-down run-times lack, and a class path that stays.
    """

    path: Path | None

    def flags(self, *, may_write: bool = True) -> tuple[str, ...]:
        """Return what makes Java use the archive, or write one when it ends where there is none.

        Args:
            may_write: a broker that is given the time for it as it ends.
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
            with suppress(OSError):  # another start was quicker
                if _is_finished(draft):
                    draft.replace(path)
                elif time.time_ns() / 1e9 - draft.stat().st_mtime > _ABANDONED_S:
                    draft.unlink()


def lasting_path(jars: Path) -> Path:
    """Return the folder's path without links, which stays; as it is where Java misreads that."""
    resolved = jars.resolve()
    return resolved if is_plain(resolved) else jars


def archive_of(jars: Path, java: Java) -> ClassArchive:
    """Return the archive for the folder of jars, which also holds it."""
    base = java.program.resolve().parents[1] / "lib" / "server" / "classes.jsa"
    can_be = base.exists() and is_plain(jars)
    name = f"broker-{java.version}-{crc32(bytes(jars)):08x}.jsa".replace("/", "_")
    return ClassArchive(jars / name if can_be else None)


def _is_finished(draft: Path) -> bool:
    """Say whether Java wrote all of it: the first bytes are written last."""
    with draft.open("rb") as file:
        return any(file.read(_MAGIC_BYTES))
