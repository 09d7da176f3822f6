"""Whether a target may be loaded: loopback, or a host that somebody allowed by name.

Add here: another way to be sure. Keep out: name resolution; a name counts, not where it points.
"""

from ipaddress import ip_address

from perf_pipeline.config.target import Target, hosts_of
from perf_pipeline.errors import TargetNotAllowedError


def check_target(target: Target) -> None:
    """Refuse a target with a host that is neither loopback nor allowed.

    Raises:
        TargetNotAllowedError: names every such host, and the key to set.
        ProfileError: an address names no host.
    """
    refused = [
        f"{host} ({key})"
        for key, hosts in hosts_of(target).items()
        for host in hosts
        if not (is_loopback(host) or host in target.allowed)
    ]
    if refused:
        raise TargetNotAllowedError(
            f"target {target.name}: {', '.join(refused)} is neither this machine nor allowed; "
            "nothing was sent",
            hint=f"to load it, put it into allowed = [...] of [targets.{target.name}], or into "
            "the environment variable PERF_ALLOWED_HOSTS",
        )


def is_loopback(host: str) -> bool:
    """Say whether a host is this machine: 127.0.0.0/8, ::1, localhost or a socket's path."""
    if host.startswith("/") or host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
