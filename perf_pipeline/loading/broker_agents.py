"""Check the Jolokia agents of a target's brokers before any load, and read them around it.

Add here: another source of the brokers' request times. Keep out: reading them
(probes/kafka_requests.py).
"""

import os
from collections.abc import Mapping
from typing import Final

from perf_pipeline.config.safety import require_allowed
from perf_pipeline.config.target import Target, allowed_hosts
from perf_pipeline.config.web_address import WebAddress
from perf_pipeline.errors import AddressError
from perf_pipeline.probes.kafka_requests import KafkaRequests
from perf_pipeline.secrecy.known import KNOWN

_LOGIN: Final = "PERF_JOLOKIA_LOGIN"


def require_agents(target: Target) -> None:
    """Refuse agents whose URL can't be read, or whose host may not be asked.

    Raises:
        AddressError: a text is not a URL.
        TargetNotAllowedError: a host is neither this machine nor allowed.
    """
    key = f"jolokia of [targets.{target.name}]"
    for url in target.jolokia:
        if "@" in url:
            raise AddressError(key, f"holds a login; write it into {_LOGIN} as user:password")
        try:
            place = WebAddress.read_base(url).place
        except ValueError:
            raise AddressError(
                key, "is not a URL; write one like http://127.0.0.1:8778/jolokia"
            ) from None
        require_allowed(
            place,
            allowed_hosts(target),
            f"target {target.name}: {place.host} ({key})",
            f"add it to allowed of [targets.{target.name}], or to PERF_ALLOWED_HOSTS",
        )


def broker_requests(
    target: Target, environment: Mapping[str, str] = os.environ
) -> KafkaRequests | None:
    """Make the reader of the agents of a target's brokers; None if it names none."""
    if not target.jolokia:
        return None
    login = environment.get(_LOGIN, "")
    user, _, password = login.partition(":")
    KNOWN.add_all([password] if password else [])
    return KafkaRequests(target.jolokia, (user, password) if login else None)
