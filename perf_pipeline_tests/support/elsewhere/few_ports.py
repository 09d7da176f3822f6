"""Run a command beside a shop, in a network of their own that has few local ports.

A program: `few_ports.py PORTS HELD COMMAND...`, started where it may change its network (`unshare
--net`). The command finds the shop in PERF_BASE_URL; HELD ports are taken before it starts. Add
here: another scarcity of a network. Keep out: assertions.
"""

import fcntl
import os
import shutil
import socket
import struct
import subprocess
import sys
from pathlib import Path
from typing import Final

from perf_pipeline_tests.support.servers.shop_server import HOST, running_shop

_FIRST: Final = 40_000
_SIOCSIFFLAGS: Final = 0x8914
_IFF_UP: Final = 0x1
_NETWORKS: Final = (
    ("unshare", "--net", "--"),
    ("unshare", "--user", "--map-root-user", "--net", "--"),
)


def network_of_its_own() -> tuple[str, ...] | None:
    """Give the command that runs another one in a new network; None where that is forbidden."""
    if shutil.which("unshare") is None:
        return None
    for command in _NETWORKS:
        if not subprocess.run([*command, "true"], check=False, capture_output=True).returncode:
            return command
    return None


def main() -> int:
    """Prepare the network, run the command, give its exit code."""
    ports, held = map(int, sys.argv[1:3])
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP))
    with running_shop() as port:
        Path("/proc/sys/net/ipv4/ip_local_port_range").write_text(f"{_FIRST} {_FIRST + ports - 1}")
        holders = [socket.create_connection((HOST, port)) for _ in range(held)]
        environment = {**os.environ, "PERF_BASE_URL": f"http://{HOST}:{port}"}
        code = subprocess.run(sys.argv[3:], check=False, env=environment).returncode
        for holder in holders:
            holder.close()
        return code


if __name__ == "__main__":
    sys.exit(main())
