"""Check the receivers of `--out`: like targets, they must be on this machine or allowed by name.

Add here: another rule on where figures may be sent. Keep out: reading URLs (config/outputs.py).
"""

from collections.abc import Mapping

from perf_pipeline.config.outputs import OutConfig, place_of, token_mistakes
from perf_pipeline.config.safety import require_allowed
from perf_pipeline.config.target import Target, allowed_hosts
from perf_pipeline.errors import AddressError


def require_receivers(out: OutConfig, target: Target, environment: Mapping[str, str]) -> None:
    """Refuse a receiver that is neither on this machine nor allowed, and an invalid token.

    Args:
        out: the receivers of the profile; their URLs are valid.
        target: the target, which allows hosts.
        environment: the environment with the tokens.

    Raises:
        AddressError: a token can't be sent; the message names its variable.
        TargetNotAllowedError: a host is not allowed; the message names it, and nothing was sent.
    """
    for variable in token_mistakes(out.urls, environment):
        raise AddressError(variable, "has letters that no header may have; write it again")
    for kind, url in out.urls.items():
        place = place_of(url)
        require_allowed(
            place,
            allowed_hosts(target),
            f"{place.host} ({kind} of [out])",
            f"if figures may go there, add it to allowed of [targets.{target.name}], or to "
            "PERF_ALLOWED_HOSTS",
        )
