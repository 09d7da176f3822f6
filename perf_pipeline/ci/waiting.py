"""Wait until a system that a job starts answers, or until it can't any more.

Add here: another kind of address to wait for. Keep out: asking (stack/health.py), starting.
"""

from collections.abc import Callable, Sequence
from typing import Final
from urllib.parse import urlsplit

from perf_pipeline.config.health_question import HealthQuestion
from perf_pipeline.config.own_scenarios import Trust
from perf_pipeline.errors import RequestError, TargetUnavailableError
from perf_pipeline.stack.health import require_health

_PAUSE_S: Final = 0.5
_HINT: Final = "write http://HOST:PORT/PATH, https://… or tcp://HOST:PORT"


def wait_for(
    addresses: Sequence[str],
    within_s: float,
    now_s: Callable[[], float],
    sleep: Callable[[float], None],
    is_running: Callable[[], bool],
) -> float:
    """Ask addresses, one after the other, until each has answered; return how long it took, in s.

    Args:
        addresses: `http://` and `https://` are healthy with 200, `tcp://` with a connection.
        within_s: for all of them together.
        now_s: tells the time, in seconds from any start.
        sleep: lets so many seconds pass.
        is_running: whether what is waited for can still come.

    Raises:
        RequestError: an address is none of these.
        TargetUnavailableError: it did not answer in time, or ended; says what it answered last.
    """
    questions = [(address, *_question(address)) for address in addresses]
    began_s = now_s()
    for address, base_url, question in questions:
        while (missing := _why_not(address, base_url, question)) is not None:
            if not is_running():
                raise TargetUnavailableError(f"the process that was waited for ended: {missing}")
            if now_s() - began_s >= within_s:
                raise TargetUnavailableError(f"not healthy within {within_s:g} s: {missing}")
            sleep(_PAUSE_S)
    return now_s() - began_s


def _question(address: str) -> tuple[str, HealthQuestion]:
    """Return the question: where to ask, and how.

    Raises:
        RequestError: the address can't be asked.
    """
    try:
        parts = urlsplit(address)
        has_host, port = bool(parts.hostname), parts.port
    except ValueError as error:
        raise RequestError(f"{address!r} is no address: {error}", hint=_HINT) from error
    if parts.scheme == "tcp" and has_host and port:
        return f"http://{parts.netloc}", HealthQuestion("tcp")
    if parts.scheme in {"http", "https"} and has_host:
        query = f"?{parts.query}" if parts.query else ""
        path = f"{parts.path or '/'}{query}"
        return f"{parts.scheme}://{parts.netloc}", HealthQuestion("http", path)
    raise RequestError(f"{address!r} can't be waited for", hint=_HINT)


def _why_not(address: str, base_url: str, question: HealthQuestion) -> str | None:
    try:
        require_health(base_url, Trust(), (), question)
    except TargetUnavailableError as error:
        return (
            error.sentence.replace(base_url, address) if question.check == "tcp" else error.sentence
        )
    return None
