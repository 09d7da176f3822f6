"""Ids of traces as the header `traceparent` carries them (W3C Trace Context, level 1).

An id follows from the run, the scenario, the virtual user and its iteration, so that it is known
afterwards without having been written down: all requests of an iteration are one trace.
Add here: another part of the header. Keep out: sending it (workloads/http/tracing.py).
"""

from hashlib import blake2b
from typing import Final

_ID_BYTES: Final = 16
_SPAN_BYTES: Final = 8
_RANDOM_BITS: Final = 56


def trace_id(run: str, scenario: str, vu: int, iteration: int) -> str:
    """Return the id of an iteration's trace, 32 hex digits; `trace_and_span` says of what."""
    return trace_and_span(run, scenario, vu, iteration)[0]


def trace_and_span(run: str, scenario: str, vu: int, iteration: int) -> tuple[str, int]:
    """Return the id of an iteration's trace, and the number before that of its first span.

    Each request has the next span.

    Args:
        run: id of the run and name of the benchmark, `RUN/BENCHMARK`.
        scenario: its name.
        vu: number of the virtual user.
        iteration: number of the iteration of this VU, from 0.
    """
    text = f"{run}/{scenario}/{vu}/{iteration}"
    digest = blake2b(text.encode(), digest_size=_ID_BYTES + _SPAN_BYTES).digest()
    return digest[:_ID_BYTES].hex(), int.from_bytes(digest[_ID_BYTES:])


def is_sampled(trace: str, ratio: float) -> bool:
    """Say whether a trace is among the share that is recorded: the same traces for everybody.

    By the last 56 bits of its id, which are as good as random (OpenTelemetry, Probability
    Sampling: a trace is kept if they are at least (1 - ratio) * 2**56).

    >>> is_sampled("0" * 18 + "f" * 14, 0.01), is_sampled("f" * 18 + "0" * 14, 0.99)
    (True, False)
    """
    return int(trace[-14:], 16) >= (1 - ratio) * (1 << _RANDOM_BITS)
