"""Describe an exception of the author's code in one line, with its traceback in the worker's log.

Add here: another fact that helps an author to find the line. Keep out: what an exception means for
a sample.
"""

import sys
import sysconfig
from os import sep
from pathlib import Path
from traceback import FrameSummary, extract_tb, format_exception
from typing import Final

import perf_pipeline
from perf_pipeline.quoting import escaped
from perf_pipeline.secrecy.known import KNOWN

_MOST_TOLD: Final = 200
_OVER_DATA: Final = (
    LookupError,
    TypeError,
    AttributeError,
    ValueError,
    ArithmeticError,
    AssertionError,
    RecursionError,
)
_OWN: Final = f"{Path(perf_pipeline.__file__).parent}{sep}"
_INSTALLED: Final = tuple(
    {f"{sysconfig.get_path(name)}{sep}" for name in ("stdlib", "platstdlib", "purelib", "platlib")}
)


def told(error: BaseException) -> str:
    """Return e.g. `KeyError: 'id' at shop.py:12 in visit`, cut to 200 letters and without secrets.

    The place is the innermost line that belongs neither to this product, nor to Python, nor to an
    installed package. If there is no such line, it is the innermost line; without a traceback there
    is no place.
    """
    text = escaped(" ".join(_text_of(error).split()))
    if len(text) > _MOST_TOLD:
        text = f"{text[:_MOST_TOLD]}..."
    what = f"{type(error).__name__}: {text}" if text else type(error).__name__
    place = place_of(error)
    return what if place is None else f"{what} at {_written(place)}"


def place_of(error: BaseException) -> FrameSummary | None:
    """Return the innermost line of the author's code that an exception came through."""
    frames = extract_tb(error.__traceback__)
    of_author = [frame for frame in frames if not _is_installed(frame.filename)]
    return next(reversed(of_author or frames), None)


def is_about_data(error: BaseException) -> bool:
    """Say whether code may have raised this because data had an unexpected shape.

    An unknown name, a missing module or a file is not about data, and neither is an error that this
    product raised because it was called wrongly.
    """
    is_end = isinstance(error, RuntimeError) and isinstance(error.__cause__, StopIteration)
    if not (is_end or isinstance(error, _OVER_DATA)):
        return False
    frames = extract_tb(error.__traceback__)
    return not (frames and frames[-1].filename.startswith(_OWN))


def log_traceback(error: BaseException, what: str = "an iteration") -> None:
    """Write the traceback of an exception into the worker's log."""
    text = "".join(format_exception(error))
    sys.stderr.write(f"{what} raised an exception\n{text}")
    sys.stderr.flush()


def _text_of(error: BaseException) -> str:
    try:
        return KNOWN.mask(str(error))
    except Exception:  # noqa: BLE001 - an author's __str__ may be wrong, too
        return "its text can't be read"


def _is_installed(filename: str) -> bool:
    return filename.startswith((_OWN, "<", *_INSTALLED))


def _written(place: FrameSummary) -> str:
    return f"{Path(place.filename).name}:{place.lineno} in {place.name}"
