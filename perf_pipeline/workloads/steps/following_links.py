"""Links that answers give and later steps follow, on the target's own origin only.

Add here: another form in which answers give links. Keep out: redirects, which are followed without
a step (http/redirects.py).
"""

from perf_pipeline.config.web_address import WebAddress
from perf_pipeline.workloads.http.origin import HttpOrigin


def link_target(origin: HttpOrigin, link: str) -> bytes | None:
    """Return path and query of a link; None where it leads to another origin, or to no place.

    A link that begins with neither a slash nor a scheme is none: it starts from a page that only
    its answer knows.

    Args:
        origin: the origin of the target, on which alone anything is loaded.
        link: such as `/orders?page=2`, or the same with scheme and host.
    """
    if not link.startswith(("/", "http://", "https://")):
        return None
    try:
        there = WebAddress.read(link, WebAddress(origin.scheme, origin.host, origin.port))
    except ValueError:
        return None
    return there.target.encode("ascii") if origin.is_of(there) else None
