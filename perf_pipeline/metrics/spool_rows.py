"""The binary rows of the spool: which columns a row has, and how its file begins.

A sample has some twenty columns, which take 1.8 us to write as text and 0.6 us as a packed row. So
the texts of a row, which repeat, are written once, as its kind, into a CSV file beside. The numbers
go as 64-bit integers into a file in NumPy's format
(https://numpy.org/neps/nep-0001-npy-format.html), which `numpy.load` reads.
The row count in the head is right only after the file is closed. Readers of an open file, or of one
whose writer died, go by its size.

Add here: another file of rows. Keep out: writing (engine/), reading (store/).
"""

import struct
from dataclasses import dataclass
from typing import Final

from perf_pipeline.metrics.sample import (
    ITERATION_COLUMNS,
    NO_PHASES,
    SAMPLE_COLUMNS,
    HttpPhases,
)

KIND: Final = "kind"
KINDS_PREFIX: Final = "kinds-"
ROWS_SUFFIX: Final = ".npy"
_SMALL: Final = frozenset({KIND, "vu"})
HEAD_BYTES: Final = 1_024
_MAGIC: Final = b"\x93NUMPY\x01\x00"


@dataclass(frozen=True, slots=True)
class RowLayout:
    """Describe the rows of a spool file.

    Attributes:
        columns: columns of the table that the rows become.
        of_kind: the columns that the kind replaces.
    """

    columns: tuple[str, ...]
    of_kind: tuple[str, ...]

    @property
    def numbers(self) -> tuple[str, ...]:
        """Return the columns of a row in the file: the kind, and then integers."""
        return (KIND, *(name for name in self.columns if name not in self.of_kind))

    @property
    def packing(self) -> struct.Struct:
        """Return the packing of a row, which is little-endian and without gaps."""
        return struct.Struct("<" + "".join("I" if n in _SMALL else "q" for n in self.numbers))

    @property
    def types(self) -> list[tuple[str, str]]:
        """Return the columns of a row in NumPy's notation."""
        return [(name, "<u4" if name in _SMALL else "<i8") for name in self.numbers]

    def head(self, rows: int) -> bytes:
        """Return the head of a file with that many rows, which always has the same length."""
        text = f"{{'descr': {self.types!r}, 'fortran_order': False, 'shape': ({rows},), }}"
        room = HEAD_BYTES - len(_MAGIC) - 2
        assert len(text) < room, "the head has room for its columns"
        return _MAGIC + struct.pack("<H", room) + f"{text:<{room - 1}}\n".encode("ascii")


SAMPLE_ROWS: Final = RowLayout(
    SAMPLE_COLUMNS,
    ("scenario", "protocol", "operation", "phase", "outcome", "status", "error"),
)
ITERATION_ROWS: Final = RowLayout(ITERATION_COLUMNS, ("scenario", "phase", "outcome"))

_OF_A_PLAIN_SAMPLE: Final = (
    "iteration",
    "intended_us",
    "started_us",
    "ended_us",
    "bytes_out",
    "records",
)
NO_PHASES_PACKED: Final = struct.pack(f"<{len(NO_PHASES)}q", *NO_PHASES)


def plain_sample_packing() -> struct.Struct:
    """Return the packing of a sample without checks, phases and bytes that came, in half the time.

    It takes kind, vu, iteration, the three times, bytes_out, records and `NO_PHASES_PACKED`; the
    columns between them are 0.
    """
    codes = dict.fromkeys(_OF_A_PLAIN_SAMPLE, "q") | dict.fromkeys(_SMALL, "I")
    numbers = [name for name in SAMPLE_ROWS.numbers if name not in HttpPhases._fields]
    body = "".join(codes.get(name, "8x") for name in numbers)
    return struct.Struct(f"<{body}{len(NO_PHASES_PACKED)}s")


def answer_packing() -> struct.Struct:
    """Return the packing of an HTTP request that went well over a connection that was open.

    It takes kind, vu, iteration, the three times, the bytes, records, checks that passed, and the
    last three phases; failed checks, and the phases of a connection's setup, are 0.
    """
    zeros = {"checks_failed", "blocked_us", "connecting_us", "tls_us"}
    codes = (
        "8x" if name in zeros else "I" if name in _SMALL else "q" for name in SAMPLE_ROWS.numbers
    )
    return struct.Struct("<" + "".join(codes))
