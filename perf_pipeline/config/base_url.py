"""Read the URL of a target's HTTP API exactly as the HTTP client will read it.

Add here: another rule about that URL. Keep out: addresses of other parts (hosts.py), and whether a
host may be loaded (safety.py).
"""

import re
from typing import Final

from perf_pipeline.config.hosts import Address
from perf_pipeline.config.web_address import WebAddress

_USERINFO: Final = re.compile(r"(?<=://)[^/?#\\@\s]*@")


def read_base_url(text: str) -> Address:
    """Read the URL of an API, and find its host.

    Raises:
        ValueError: the text is not a URL; the sentence quotes it unless it may hold a password.
    """
    # The client decides whether it takes credentials in front of the host (HttpOrigin).
    bare = _USERINFO.sub("", text, count=1)
    try:
        url = WebAddress.read_base(bare)
    except ValueError as error:
        # A text with an @ that is no URL may hold a password anywhere.
        raise ValueError(str(error) if "@" in text else f"is {text[:200]!r}; it {error}") from None
    plain = f"{url.root}{url.path.rstrip('/')}"
    return Address(plain if bare == text else text, (url.place,))
