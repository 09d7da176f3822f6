"""Ask an API whether it is healthy, whoever started it.

Add here: another question to a running system that is asked before a load. Keep out: load.
"""

import ssl
from typing import Final

import httpx

from perf_pipeline.config.own_scenarios import Trust
from perf_pipeline.errors import TargetUnavailableError

_TIMEOUT_S: Final = 5.0


def require_health(base_url: str, trust: Trust) -> None:
    """Ask for /health before the API is loaded.

    Args:
        base_url: of the API.
        trust: whose certificates are taken beside those of the system's authorities.

    Raises:
        TargetUnavailableError: names the address and what it answered.
    """
    url = f"{base_url.rstrip('/')}/health"
    try:
        response = httpx.get(url, timeout=_TIMEOUT_S, trust_env=False, verify=_tls(trust))
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


def _tls(trust: Trust) -> ssl.SSLContext:
    # As the load's own connections, which know nothing of httpx's list of authorities.
    tls = ssl.create_default_context()
    for file in trust.ca_files:
        tls.load_verify_locations(file)
    if trust.anybody:
        tls.check_hostname = False
        tls.verify_mode = ssl.CERT_NONE
    return tls
