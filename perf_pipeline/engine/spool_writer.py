"""Write the files of the spool in a separate thread, piece by piece and in order.

A slow disk or a kill -9 loses at most the last half second, and memory is bounded.
Add here: another format of file. Keep out: what is recorded (recorder.py).
"""

import json
import os
import re
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterator, Mapping
from pathlib import Path
from queue import SimpleQueue
from typing import Final, Generic, TypeVar

from perf_pipeline.metrics.spool_rows import KIND, KINDS_PREFIX, RowLayout
from perf_pipeline.metrics.spool_seal import FileFacts, RunningFacts, layout_of, sealed
from perf_pipeline.secrecy.known import KNOWN

PIECE_LINES: Final = 1_024
MOST_WAITING_BYTES: Final = 64 * 1024 * 1024
_MOST_REMEMBERED: Final = 4_096
_ERROR: Final = "error"
_ESCAPED: Final = "backslashreplace"  # a lone surrogate, which JSON can hold, has no bytes
_SPECIAL: Final = re.compile(r'[,"\r\n]')

T = TypeVar("T", str, bytes)


class SpoolError(OSError):
    """Say that a spool file cannot be written, so that the load has to stop."""


class SpoolWriter:
    """Append to files from one thread, each piece in one call.

    Args:
        on_failure: called once, from another thread, with the first error of the disk.
    """

    def __init__(self, on_failure: Callable[[SpoolError], None]) -> None:
        self._on_failure = on_failure
        self._files: list[SpoolFile] = []
        self._pieces: SimpleQueue[tuple[SpoolFile, bytes] | None] = SimpleQueue()
        self._waiting_bytes = 0
        self._lock = threading.Lock()
        self._failure: SpoolError | None = None
        self._thread = threading.Thread(target=self._write, name="spool", daemon=True)
        self._thread.start()

    def open(self, path: Path, head: bytes) -> "SpoolFile":
        """Create or empty a file, and begin it with `head`."""
        file = SpoolFile(path, len(head))
        self._files.append(file)
        self.put(file, head)
        return file

    def facts(self) -> dict[str, FileFacts]:
        """Return the facts of each closed file by its name, except broken files."""
        return {file.path.name: file.facts for file in self._files if file.facts is not None}

    def put(self, file: "SpoolFile", piece: bytes) -> None:
        """Hand a piece of a file to the writing thread."""
        with self._lock:
            self._waiting_bytes += len(piece)
            waiting_bytes = self._waiting_bytes
        if waiting_bytes > MOST_WAITING_BYTES:
            self._fail(file, f"the disk is too slow and {waiting_bytes / 2**20:.0f} MiB behind")
        self._pieces.put((file, piece))

    def close(self) -> None:
        """Write the rest, and close the files.

        Raises:
            SpoolError: something could not be written, now or earlier.
        """
        self._pieces.put(None)
        self._thread.join()
        for file in self._files:
            try:
                file.close()
            except OSError as error:
                self._fail(file, error.strerror or type(error).__name__)
        if self._failure is not None:
            raise self._failure

    def _write(self) -> None:
        while (item := self._pieces.get()) is not None:
            file, piece = item
            try:
                file.write(piece)
            except OSError as error:
                self._fail(file, error.strerror or type(error).__name__)
            with self._lock:
                self._waiting_bytes -= len(piece)

    def _fail(self, file: "SpoolFile", why: str) -> None:
        file.is_broken = True
        if self._failure is None:
            self._failure = SpoolError(f"{file.path.name} can't be written: {why}")
            self._on_failure(self._failure)


class SpoolFile:
    """Hold an open file; after its first failure it accepts nothing more.

    Args:
        path: path of the file, which is emptied.
        head_bytes: the length of its first piece, the head.

    Attributes:
        path: path of the file.
        is_broken: whether a piece could not be written.
        last_head: the final head, written when the file is closed; empty leaves the head unchanged.
        facts: the facts of the closed file; None before that, and if it is broken.
    """

    def __init__(self, path: Path, head_bytes: int) -> None:
        self.path = path
        self.is_broken = False
        self.last_head = b""
        self.facts: FileFacts | None = None
        self._running = RunningFacts(path.name)
        # The head of packed rows is written again at the end, and only then enters the checksum.
        self._unsummed_bytes = 0 if layout_of(path.name) is None else head_bytes
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)

    def write(self, piece: bytes) -> None:
        """Write a piece in one call, or in several if the disk took only a part of it."""
        if self.is_broken:
            return
        written = os.write(self._fd, piece)
        while written < len(piece):
            written += os.write(self._fd, piece[written:])
        if self._unsummed_bytes:
            self._unsummed_bytes = 0
        else:
            self._running.add(piece)

    def close(self) -> None:
        """Close the file, after writing its last head."""
        try:
            if self.last_head and not self.is_broken:
                os.pwrite(self._fd, self.last_head, 0)
        finally:
            os.close(self._fd)
        if not self.is_broken:
            self.facts = self._running.closed(self.last_head)


class _Buffer(ABC, Generic[T]):
    """Collect lines or rows, and hand many of them over at a time.

    Attributes:
        items: the collected lines or rows, always the same list; whoever adds to it must call
            `flush` at `PIECE_LINES`.
    """

    def __init__(self) -> None:
        self.items: list[T] = []

    def add(self, item: T) -> None:
        """Add a line with its newline, or a row."""
        items = self.items
        items.append(item)
        if len(items) >= PIECE_LINES:
            self.flush()

    @abstractmethod
    def flush(self) -> None:
        """Hand what is buffered to the writing thread."""


class Lines(_Buffer[str]):
    """Write a CSV file line by line.

    Args:
        writer: writes the file.
        path: path of the file.
        columns: names in the header line.
    """

    def __init__(self, writer: SpoolWriter, path: Path, columns: tuple[str, ...]) -> None:
        super().__init__()
        self._writer = writer
        self._file = writer.open(path, (",".join(columns) + "\n").encode())

    def flush(self) -> None:
        """Hand what is buffered to the writing thread."""
        if self.items:
            piece = "".join(self.items).encode("utf-8", _ESCAPED)
            self.items.clear()
            self._writer.put(self._file, piece)


class Kinds(dict[Hashable, int]):
    """Number the kinds of rows, and write each new kind before a row can refer to it.

    Args:
        writer: writes the file.
        path: path of the file.
        columns: the columns whose values make a kind.
    """

    def __init__(self, writer: SpoolWriter, path: Path, columns: tuple[str, ...]) -> None:
        self._writer = writer
        self._columns = columns
        self._file = writer.open(path, (",".join((KIND, *columns)) + "\n").encode())
        self._next = 0

    def _texts(self, kind: tuple[str | int, ...]) -> Iterator[str]:
        """Return the fields of a kind without secrets, which the text of an error may quote."""
        for column, value in zip(self._columns, kind, strict=True):
            yield KNOWN.mask(str(value)) if column == _ERROR else str(value)

    def __missing__(self, kind: tuple[str | int, ...]) -> int:
        if len(self) >= _MOST_REMEMBERED:
            self.clear()  # a kind may get another number, so that memory stays bounded
        number = self[kind] = self._next
        self._next += 1
        line = ",".join(map(quoted, (str(number), *self._texts(kind)))) + "\n"
        self._writer.put(self._file, line.encode("utf-8", _ESCAPED))
        return number


class Rows(_Buffer[bytes]):
    """Write a file of binary rows, and another file of their kinds.

    Args:
        writer: writes the files.
        path: path of the file of rows.
        layout: layout of the rows.

    Attributes:
        kinds: the numbers of the kinds.
        pack: makes a row from its numbers.
    """

    def __init__(self, writer: SpoolWriter, path: Path, layout: RowLayout) -> None:
        super().__init__()
        self._writer = writer
        self._layout = layout
        self._handed = 0
        kinds = path.with_name(f"{KINDS_PREFIX}{path.stem}.csv")
        self.kinds = Kinds(writer, kinds, layout.of_kind)
        self._file = writer.open(path, layout.head(0))
        self.pack = layout.packing.pack

    def flush(self) -> None:
        """Hand what is buffered to the writing thread."""
        if self.items:
            self._handed += len(self.items)
            piece = b"".join(self.items)
            self.items.clear()
            self._writer.put(self._file, piece)

    def end(self) -> None:
        """Hand over the last rows; the head will contain their number."""
        self.flush()
        self._file.last_head = self._layout.head(self._handed)


def write_seal(path: Path, facts: Mapping[str, FileFacts]) -> None:
    """Write the facts of the closed files, for those who read them later.

    Raises:
        SpoolError: the seal can't be written.
    """
    members = {name: known.to_json() for name, known in sorted(facts.items())}
    try:
        path.write_text(sealed(json.dumps(members, indent=1)), encoding="utf-8")
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise SpoolError(f"{path.name} can't be written: {why}") from error


def quoted(text: str) -> str:
    """Write a text as a CSV field."""
    return '"' + text.replace('"', '""') + '"' if _SPECIAL.search(text) else text
