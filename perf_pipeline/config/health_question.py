"""Say how an API is checked before its load: a path with a status, a connection, or not at all.

Add here: another way of asking. Keep out: asking (stack/health.py).
"""

from dataclasses import dataclass
from typing import Final, Literal

HealthCheck = Literal["http", "tcp", "none"]
OK: Final = 200


@dataclass(frozen=True, slots=True)
class HealthQuestion:
    """Say which request an API must answer before it is loaded.

    Attributes:
        check: `http` sends a GET request, `tcp` opens a connection, `none` asks nothing.
        path: of the request.
        statuses: the answers that mean that the API is healthy.
    """

    check: HealthCheck = "http"
    path: str = "/health"
    statuses: tuple[int, ...] = (OK,)


OF_THE_REFERENCE_SYSTEM: Final = HealthQuestion()
OF_ANY_SYSTEM: Final = HealthQuestion("tcp")


def written_question(
    check: HealthCheck | None, path: str, statuses: tuple[int, ...]
) -> HealthQuestion | None:
    """Return the question that a target writes down; None where it writes down nothing.

    Raises:
        ValueError: the keys contradict each other.
    """
    if not (check or path or statuses):
        return None
    if check in {"tcp", "none"} and (path or statuses):
        key = "healthPath" if path else "healthStatus"
        raise ValueError(
            f'{key} is only for healthCheck = "http", and healthCheck is {check!r}; leave one out'
        )
    usual = OF_THE_REFERENCE_SYSTEM
    return HealthQuestion(check or usual.check, path or usual.path, statuses or usual.statuses)
