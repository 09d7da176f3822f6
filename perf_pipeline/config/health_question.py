"""How an API is checked before its load: by a request, by a connection, or not at all.

Add here: another kind of check. Keep out: making the check (stack/health.py).
"""

from dataclasses import dataclass
from typing import Final, Literal

HealthCheck = Literal["http", "tcp", "none"]
OK: Final = 200


@dataclass(frozen=True, slots=True)
class HealthQuestion:
    """Describe the check that an API must pass before it is loaded.

    Attributes:
        check: `http` sends a GET request, `tcp` opens a connection, `none` asks nothing.
        path: the path of the request.
        statuses: the statuses that mean that the API is healthy.
    """

    check: HealthCheck = "http"
    path: str = "/health"
    statuses: tuple[int, ...] = (OK,)


OF_THE_REFERENCE_SYSTEM: Final = HealthQuestion()
OF_ANY_SYSTEM: Final = HealthQuestion("tcp")


def written_question(
    check: HealthCheck | None, path: str, statuses: tuple[int, ...]
) -> HealthQuestion | None:
    """Return the check that a target configures; None where it configures none.

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
