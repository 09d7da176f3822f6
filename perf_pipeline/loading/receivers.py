"""Whether the receivers of `--out` may be sent to: as targets, they are here or allowed by name.

Add here: another rule on where figures may go. Keep out: how URLs are read (config/outputs.py).
"""

from perf_pipeline.config.outputs import OutConfig, place_of
from perf_pipeline.config.safety import require_allowed
from perf_pipeline.config.target import Target, allowed_hosts


def require_receivers(out: OutConfig, target: Target) -> None:
    """Refuse a receiver that is neither on this machine nor allowed.

    Args:
        out: of the profile; its URLs were read.
        target: allows hosts.

    Raises:
        TargetNotAllowedError: names the first such host; nothing was sent.
    """
    for kind, url in out.urls.items():
        place = place_of(url)
        require_allowed(
            place,
            allowed_hosts(target),
            f"{place.host} ({kind} of [out])",
            f"if figures may go there, add it to allowed of [targets.{target.name}], or to "
            "PERF_ALLOWED_HOSTS",
        )
