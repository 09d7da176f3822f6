"""Ask an API whether it is healthy, whoever started it.

Add here: another question to a running system that is asked before a load. Keep out: load.
"""

from typing import Final

import httpx

from perf_pipeline.errors import TargetUnavailableError

_TIMEOUT_S: Final = 5.0


def require_health(base_url: str) -> None:
    """Ask for /health before the API is loaded.

    Raises:
        TargetUnavailableError: names the address and what it answered.
    """
    url = f"{base_url.rstrip('/')}/health"
    try:
        response = httpx.get(url, timeout=_TIMEOUT_S, trust_env=False)
    except httpx.HTTPError as error:
        raise TargetUnavailableError(
            f"GET {url} got no answer: {error or type(error).__name__}",
            hint="start the target, or correct its address; `perf-pipeline doctor` looks closer",
        ) from error
    if response.status_code != httpx.codes.OK:
        raise TargetUnavailableError(
            f"GET {url} answered {response.status_code}: {response.text[:200]}",
            hint="the target says itself that it is not healthy",
        )
