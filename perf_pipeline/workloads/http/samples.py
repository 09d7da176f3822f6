"""What a request's result means for its sample: outcome and error class.

Add here: another class of outcome. Keep out: writing samples down (the workloads).
"""

from collections.abc import Container, Mapping
from types import MappingProxyType
from typing import Final

from perf_pipeline.engine.operation_count import UNEXPECTED_STATUS
from perf_pipeline.metrics.sample import Outcome
from perf_pipeline.workloads.http.result import HttpError, HttpResult

RESENT: Final = "resent"
# k6's: http_req_failed counts what is not of these (http.expectedStatuses).
EXPECTED_BY_DEFAULT: Final = range(200, 400)
_WELL: Final = (Outcome.OK, "")
_TIMEOUTS: Final = frozenset({HttpError.TIMEOUT, HttpError.CONNECT_TIMEOUT})


_SENTENCES: Final[Mapping[str, str]] = MappingProxyType(
    {
        HttpError.PROTOCOL: "got a response that can't be read: {detail}",
        HttpError.SPEAKS_TLS: "was answered in TLS; use https:// in the target's base_url",
        HttpError.NOT_TLS: "was answered in plain HTTP; use http:// in the target's base_url",
    }
)


def note_of(operation: str, result: HttpResult) -> str:
    """Say what its error class leaves open about a request; mostly empty."""
    sentence = _SENTENCES.get(result.error, "")
    if not sentence or (result.error == HttpError.PROTOCOL and not result.detail):
        return ""
    return f"{operation} {sentence.format(detail=result.detail)}"


def outcome_of(result: HttpResult, expected: Container[int]) -> tuple[Outcome, str]:
    """Return a result's outcome and its error class, which is empty when all is well.

    A request that went out twice may have been done twice, or answered "exists already": its
    class is `resent`, whatever its status.
    """
    if not result.error and not result.resent and result.status in expected:
        return _WELL
    if result.error:
        is_timeout = result.error in _TIMEOUTS
        return Outcome.TIMEOUT if is_timeout else Outcome.FAILED, result.error
    if result.status in expected:
        return Outcome.OK, RESENT if result.resent else ""
    return Outcome.FAILED, RESENT if result.resent else UNEXPECTED_STATUS
