"""Ports for programs that tests start and that can't take port 0.

Add here: another question about ports. Keep out: servers.
"""

import random
import socket
from contextlib import suppress


def free_port() -> int:
    """Find a port that no other test is given by the system: those begin at 32,768."""
    while is_open(port := random.randint(15_000, 29_000)):
        pass
    return port


def is_open(port: int) -> bool:
    """Say whether somebody accepts connections there, on 127.0.0.1."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False
