"""Whether a program that a test started listens on its port.

Add here: another question about such a port. Keep out: servers, and finding a free port
(perf_pipeline/stack/service.py).
"""

import socket
from contextlib import suppress


def is_open(port: int) -> bool:
    """Say whether somebody accepts connections there, on 127.0.0.1."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False
