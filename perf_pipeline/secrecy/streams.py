"""Text streams that show no secret: what a program prints goes through the mask, whoever prints.

Add here: another kind of stream. Keep out: what is masked (known.py).
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, TextIO, cast

from perf_pipeline.secrecy.known import KNOWN

_MOST_HELD: Final = 65_536  # letters of a line that has no end: written down even so


class MaskedStream:
    """Write whole lines to another stream, each without the secrets; a flush writes the rest.

    Args:
        stream: that is written to; everything else is asked of it.
        held: keep an unfinished line until its end, because a secret may come in two pieces.
    """

    def __init__(self, stream: TextIO, *, held: bool = False) -> None:
        self._stream = stream
        self._is_held = held
        self._rest = ""

    def write(self, text: str) -> int:
        """Write a text without its secrets; return its length."""
        if not self._is_held:
            self._stream.write(KNOWN.mask(text))
            return len(text)
        self._rest += text
        lines, newline, rest = self._rest.rpartition("\n")
        if newline or len(rest) > _MOST_HELD:
            self._stream.write(KNOWN.mask(f"{lines}{newline}" or rest))
            self._rest = rest if newline else ""
            self._stream.flush()
        return len(text)

    def writelines(self, lines: list[str]) -> None:
        """Write several texts as one."""
        self.write("".join(lines))

    def finish(self) -> None:
        """Write what is held back, although its line has no end."""
        self._stream.write(KNOWN.mask(self._rest))
        self._rest = ""
        self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def masked_output(*, held: bool = False) -> Iterator[None]:
    """Let nothing that this process prints show a secret, until the block ends."""
    before = sys.stdout, sys.stderr
    masked = MaskedStream(sys.stdout, held=held), MaskedStream(sys.stderr, held=held)
    sys.stdout, sys.stderr = (cast("TextIO", stream) for stream in masked)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before
        if held:
            for stream in masked:
                stream.finish()
