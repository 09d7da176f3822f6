"""The header `traceparent` of requests, where a scenario asks for it (W3C Trace Context).

Add here: another header that a tracing system wants. Keep out: ids (metrics/trace_ids.py).
"""

import re
from typing import Final

from perf_pipeline.engine.ports import Iteration
from perf_pipeline.metrics.trace_ids import is_sampled, trace_and_span

HEADER: Final = b"traceparent"
_SPANS: Final = 1 << 64
_LINE_END: Final = b"\r\n"
_HEAD_END: Final = b"\r\n\r\n"
_OWN: Final = re.compile(rb"^traceparent:.*\r\n", re.IGNORECASE | re.MULTILINE)


class _VuTrace:
    """Hold the trace of one virtual user's present iteration."""

    __slots__ = ("begin", "end", "iteration", "span")

    def __init__(self, run: str, ratio: float, iteration: Iteration) -> None:
        number = self.iteration = iteration.number
        trace, self.span = trace_and_span(run, iteration.scenario, iteration.vu, number)
        self.begin = b"%b: 00-%b-" % (HEADER, trace.encode())
        self.end = b"-01\r\n" if is_sampled(trace, ratio) else b"-00\r\n"


class Traces:
    """Give each request a span of its own in the trace of its iteration.

    Args:
        run: id of the run and name of the benchmark, `RUN/BENCHMARK`.
        ratio: share of the traces that are marked as sampled.
    """

    def __init__(self, run: str, ratio: float) -> None:
        self._run, self._ratio = run, ratio
        self._traces: dict[int, _VuTrace] = {}

    def header(self, iteration: Iteration) -> bytes:
        """Return the header of the next request of an iteration, with its line end."""
        trace = self._traces.get(iteration.vu)
        if trace is None or trace.iteration != iteration.number:
            trace = self._traces[iteration.vu] = _VuTrace(self._run, self._ratio, iteration)
        trace.span = (trace.span + 1) % _SPANS or 1  # zeros are no span
        return b"%b%016x%b" % (trace.begin, trace.span, trace.end)

    def added(self, request: bytes, iteration: Iteration) -> bytes:
        """Return a request with the header, in the place of one that it has."""
        at = request.index(_LINE_END) + len(_LINE_END)
        end = request.index(_HEAD_END) + len(_LINE_END)
        others = _OWN.sub(b"", request[at:end])
        return b"".join((request[:at], self.header(iteration), others, request[end:]))
