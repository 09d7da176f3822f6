"""Keep the classes that Kafka's programs load in an archive, so that Java starts in half the CPU.

The first formatting of a storage writes it into the cache, as its process ends; later programs
map it. Java itself refuses an archive of other jars or another Java, and starts without.
Source: https://docs.oracle.com/en/java/javase/17/vm/class-data-sharing.html
Add here: what a newer Java needs for it. Keep out: the programs.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from perf_pipeline.stack.java import Java
from perf_pipeline.stack.places import is_plain

_QUIET: Final = ("-Xlog:cds=off", "-Xlog:cds+dynamic=off")


@dataclass(frozen=True, slots=True)
class ClassArchive:
    """Name the archive for these jars and this Java.

    Attributes:
        path: in the cache; None where this Java cannot have one: it needs an archive of its own
            classes to build on, which cut-down run-times lack, and a class path that stays.
    """

    path: Path | None

    def flags(self) -> tuple[str, ...]:
        """Return what makes Java use the archive; nothing where there is none yet."""
        if self.path is None or not self.path.exists():
            return ()
        return (f"-XX:SharedArchiveFile={self.path}", *_QUIET)

    @contextmanager
    def written(self) -> Iterator[tuple[str, ...]]:
        """Yield what makes a Java program use the archive, or write it when it ends well."""
        if self.path is None or self.path.exists():
            yield self.flags()
            return
        draft = self.path.with_suffix(f".{os.getpid()}.draft")
        try:
            yield (f"-XX:ArchiveClassesAtExit={draft}", *_QUIET)
            with suppress(OSError):  # none was written, such as on a full disk: the next start will
                draft.replace(self.path)
        finally:
            draft.unlink(missing_ok=True)


def archive_of(jars: Path, java: Java) -> ClassArchive:
    """Return the archive for the folder of jars, which also holds it."""
    base = java.program.resolve().parents[1] / "lib" / "server" / "classes.jsa"
    can_be = base.exists() and is_plain(jars)
    name = f"classes-{java.version}.jsa".replace("/", "_")
    return ClassArchive(jars / name if can_be else None)
