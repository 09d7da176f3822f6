"""Recognise failed connections that this machine caused: no port, no descriptor, no memory.

Without this, the target would be blamed for them.
Add here: another sign of a limit of this machine. Keep out: what follows from it (health.py), and
what a worker measures about itself (watch.py).
"""

import errno
import os
import socket
from pathlib import Path
from typing import Final

MORE_LIMITS: Final = (
    "end the programs that hold them, widen net.ipv4.ip_local_port_range, or raise the hard limit "
    "(`ulimit -Hn`)"
)
_ERRORS: Final = frozenset(
    {errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL, errno.ENOBUFS, errno.ENOMEM, errno.EAGAIN}
)
# A resolver opens sockets to its servers, and /etc/hosts.
_FOR_A_NAME: Final = 4
_PORT_RANGE: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")


def is_own_limit(error: OSError) -> bool:
    """Say whether a connection failed because of a limit of this machine.

    A resolver without descriptors gives misleading errors (glibc: EBUSY, or that there is no such
    name). So the free descriptors are counted if the error itself does not tell.
    """
    is_known = not isinstance(error, socket.gaierror) and error.errno in _ERRORS
    return is_known or lacks_descriptors()


def lacks_descriptors() -> bool:
    """Say whether this process has too few free descriptors to look up a name."""
    taken: list[int] = []
    try:
        taken.extend(os.dup(0) for _ in range(_FOR_A_NAME))
    except OSError as error:
        return error.errno in {errno.EMFILE, errno.ENFILE}
    finally:
        for descriptor in taken:
            os.close(descriptor)
    return False


def count_local_ports() -> int:
    """Return the number of ports for connections to one address; 0 if unknown.

    Source: Linux, Documentation/networking/ip-sysctl, ip_local_port_range (also for IPv6).
    """
    try:
        low, high = map(int, _PORT_RANGE.read_text().split())
    except (OSError, ValueError):
        return 0
    return high - low + 1
