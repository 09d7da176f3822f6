"""Configure traces: which requests carry `traceparent`, and where people look up a trace.

Add here: another key of traces. Keep out: ids and headers (metrics/, workloads/http/).
"""

from typing import Annotated, Final, Self

from pydantic import AfterValidator, Field, model_validator

from perf_pipeline.config.frozen import Frozen, equals
from perf_pipeline.quoting import shown

TRACE_ID: Final = "{trace_id}"


def _page(url: str) -> str:
    if url.startswith(("http://", "https://")) and url.isprintable() and TRACE_ID in url:
        return url
    raise ValueError(
        f"{shown(url)} is not the page of a trace; write a URL with {TRACE_ID} in it, like "
        f"https://traces.example/trace/{TRACE_ID}"
    )


TracePage = Annotated[str, AfterValidator(_page)]


class TraceParameters(Frozen):
    """Say whether requests carry `traceparent` (W3C Trace Context).

    Attributes:
        trace: send `traceparent` with every request; all requests of an iteration are one trace.
        trace_ratio: the share of traces that are marked as sampled.
    """

    trace: bool = Field(default=False, exclude_if=equals(default=False))
    trace_ratio: float = Field(default=1.0, gt=0, le=1, strict=False, exclude_if=equals(1.0))

    @model_validator(mode="after")
    def _trace_keys_agree(self) -> Self:
        if self.trace_ratio < 1 and not self.trace:
            raise ValueError("has traceRatio, which does nothing without trace = true")
        return self
