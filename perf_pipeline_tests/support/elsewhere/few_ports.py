"""Run a command beside a shop, in a network of their own that has few local ports.

A program: `python -m ….few_ports PORTS HELD COMMAND`, the command in one text, as of a shell. It
finds the shop in PERF_BASE_URL; HELD ports are taken before it starts. All of it are forks.
Add here: another scarcity of a network. Keep out: assertions.
"""

import ctypes
import fcntl
import os
import shlex
import socket
import struct
import subprocess
import sys
from pathlib import Path
from typing import Final

from perf_pipeline_tests.support.commands.forked_children import offer_forks
from perf_pipeline_tests.support.servers.shop_server import HOST, running_shop

# The exit code where this machine allows no network of our own.
FORBIDDEN: Final = 77
_FIRST: Final = 40_000
_SIOCSIFFLAGS: Final = 0x8914
_IFF_UP: Final = 0x1
_CLONE_NEWUSER: Final = 0x10000000
_CLONE_NEWNET: Final = 0x40000000


def main(ports: int, held: int, command: str) -> int:
    """Prepare the network, run the command, give its exit code."""
    if not _is_in_a_new_network():
        return FORBIDDEN
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP))
    offer_forks(["run"])
    with running_shop(start=subprocess.Popen) as port:
        Path("/proc/sys/net/ipv4/ip_local_port_range").write_text(f"{_FIRST} {_FIRST + ports - 1}")
        holders = [socket.create_connection((HOST, port)) for _ in range(held)]
        environment = {**os.environ, "PERF_BASE_URL": f"http://{HOST}:{port}"}
        code = subprocess.run(shlex.split(command), check=False, env=environment).returncode
        for holder in holders:
            holder.close()
        return code


def _is_in_a_new_network() -> bool:
    """Leave the machine's network, as root or as nobody in particular; say whether that went."""
    user, group, system = os.getuid(), os.getgid(), ctypes.CDLL(None, use_errno=True)
    if not system.unshare(_CLONE_NEWNET):
        return True
    if system.unshare(_CLONE_NEWUSER | _CLONE_NEWNET):
        return False
    for file, text in (
        ("setgroups", "deny"),
        ("uid_map", f"0 {user} 1"),
        ("gid_map", f"0 {group} 1"),
    ):
        Path(f"/proc/self/{file}").write_text(text)
    return True


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
