"""The thresholds that whoever imports a file gives beside it.

Add here: another way of giving them. Keep out: those of the file itself.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from perf_pipeline.errors import RequestError
from perf_pipeline.importing.k6_summary import read_summary
from perf_pipeline.importing.opening import readable
from perf_pipeline.store.imports.foreign import WrittenThreshold

_HINT: Final = "write it like 'http_req_duration{operation:login} p(95)<500'"


def given_thresholds(
    texts: Iterable[str], summary: Path | None = None
) -> dict[str, list[WrittenThreshold]]:
    """Split thresholds of the command line, and add those of a summary of k6.

    >>> given_thresholds(["http_req_duration{operation:log in} p(95)<500"])
    {'http_req_duration{operation:log in}': ['p(95)<500']}

    Raises:
        RequestError: a text has no blank between the key and the expression.
        ForeignFileError: the summary can't be read.
    """
    found: dict[str, list[WrittenThreshold]] = {}
    for text in texts:
        key, expression = _split(text.strip())
        if not key or not expression:
            raise RequestError(f"threshold {text!r} is not understood", hint=_HINT)
        found.setdefault(key, []).append(expression)
    if summary is not None:
        with readable(summary):
            written = read_summary(summary, shown=summary).thresholds
        for key, expressions in written.items():
            found.setdefault(key, []).extend(expressions)
    return found


def _split(text: str) -> tuple[str, str]:
    """Split at the first blank that is not in the filter, whose values may have blanks."""
    name, brace, rest = text.partition("}")
    if brace:
        return name + brace, rest.strip()
    key, _, rest = text.partition(" ")
    return key, rest.strip()
