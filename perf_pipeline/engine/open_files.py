"""Count the descriptors that this process uses, and that it may use.

Add here: another question about descriptors. Keep out: what follows from the answers (watch.py),
and heavy imports, because processes that run during a measurement use this as well.
"""

import errno
import os
import resource


def count_open_files() -> int:
    """Return the lowest free descriptor, which is the number of open ones unless there are gaps.

    Listing /proc/self/fd would take milliseconds with ten thousand connections.
    """
    try:
        fd = os.dup(0)
    except OSError as error:
        if error.errno != errno.EMFILE:
            raise
        return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    os.close(fd)
    return fd


def raise_open_files_limit() -> None:
    """Allow this process as many descriptors as the system permits."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
