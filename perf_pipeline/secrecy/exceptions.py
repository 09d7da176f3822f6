"""Exceptions that show no secret, for whoever writes down more of them than we do (Dagster).

Add here: another place in which an exception keeps text. Keep out: catching them for good.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from perf_pipeline.secrecy.known import KNOWN


@contextmanager
def masked_exceptions() -> Iterator[None]:
    """Mask the secrets in an exception that leaves the block, and in its causes."""
    try:
        yield
    except Exception as error:
        masked = without_secrets(error)
        if masked is error:
            raise
        raise masked.with_traceback(error.__traceback__) from masked.__cause__


def without_secrets(error: BaseException) -> BaseException:
    """Mask an exception with all its causes; return it, or one that takes its place.

    Some build their text of more than their arguments (UnicodeEncodeError); a RuntimeError with
    the class's name and the masked text stands in for those.
    """
    _mask_texts(error)
    if error.__cause__ is not None:
        error.__cause__ = without_secrets(error.__cause__)
    if error.__context__ is not None and not error.__suppress_context__:
        error.__context__ = without_secrets(error.__context__)
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            _mask_texts(inner)
    shown = f"{error} {error!r}"
    if not KNOWN.holds(shown):
        return error
    instead = RuntimeError(KNOWN.mask(f"{type(error).__name__}: {error}"))
    instead.__cause__ = error.__cause__
    return instead


def _mask_texts(error: BaseException) -> None:
    error.args = tuple(
        KNOWN.mask(argument) if isinstance(argument, str) else argument for argument in error.args
    )
    for note in getattr(error, "__notes__", ())[:]:
        error.__notes__.remove(note)
        error.add_note(KNOWN.mask(note))
