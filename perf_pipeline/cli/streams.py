"""Standard streams that can't break a command, even if they are closed or full or not read.

Add here: another way in which a stream can fail. Keep out: the output itself.
"""

import errno
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import RawIOBase
from typing import Any, Final, TextIO, cast

READER_GONE: Final = 141  # a shell's exit code for a program that ended by SIGPIPE: 128 + 13


class OutputLostError(Exception):
    """Say that standard output accepts nothing more.

    Args:
        cause: the error of the system.
    """

    def __init__(self, cause: OSError) -> None:
        super().__init__(f"standard output can't be written: {cause.strerror or cause}")
        self.is_reader_gone = cause.errno == errno.EPIPE


class SafeStream:
    """Write to another stream; once that has failed, write nothing more.

    Args:
        stream: the stream that is written to, which also answers all other calls.
        on_loss: called with the error at every attempt, because click swallows the first ones; for
            standard error it does nothing, since nobody could be told.
    """

    def __init__(self, stream: TextIO, on_loss: Callable[[OSError], None]) -> None:
        self._stream = stream
        self._on_loss = on_loss
        self._lost: OSError | None = None

    def write(self, text: str) -> int:
        """Write a text unless the stream is lost; return its length."""
        self._try(lambda: self._stream.write(text))
        return len(text)

    def writelines(self, lines: list[str]) -> None:
        """Write several texts as one."""
        self.write("".join(lines))

    def flush(self) -> None:
        """Write buffered text."""
        self._try(self._stream.flush)

    def _try(self, act: Callable[[], object]) -> None:
        if self._lost is None:
            try:
                act()
            except OSError as error:
                self._lost = error
                _throw_away(self._stream)
        if self._lost is not None:
            self._on_loss(self._lost)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def safe_streams() -> Iterator[None]:
    """Let printing raise only OutputLostError, until the block ends.

    Characters that the encoding lacks are written as escapes.
    """
    _fill_descriptors()
    before = sys.stdout, sys.stderr
    sys.stdout = cast("TextIO", SafeStream(_open(sys.stdout), _raise_lost))
    sys.stderr = cast("TextIO", SafeStream(_open(sys.stderr), lambda _: None))
    try:
        yield
    finally:
        with suppress(OutputLostError):
            sys.stdout.flush()
        sys.stderr.flush()
        sys.stdout, sys.stderr = before


def _raise_lost(error: OSError) -> None:
    raise OutputLostError(error) from error


def _fill_descriptors() -> None:
    """Open standard streams that the caller closed; otherwise the next file would become one."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # this takes the lowest free number


def _open(stream: TextIO | None) -> TextIO:
    if stream is None:
        return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123 - for this process's life
    if isinstance(getattr(stream, "buffer", None), RawIOBase):
        # Unbuffered (`python -u`, PYTHONUNBUFFERED): Python's text layer takes a write that the
        # system took in part for a whole one, so the end of a text would be lost silently.
        return open(stream.fileno(), "w", 1, stream.encoding, "backslashreplace", closefd=False)
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")
    return stream


def _throw_away(stream: TextIO) -> None:
    """Redirect the descriptor to /dev/null, so that the interpreter's last flush cannot fail."""
    with suppress(OSError, ValueError):  # a stream in a test has no descriptor
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
