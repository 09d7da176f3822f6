"""Try addresses in a network of their own, and write down every packet to a host that is not here.

A program: `packets.py < tricks.json > results.json`, started with a network and mounts
of its own (`unshare --net --mount`). Every address of the world is on its loopback device, so that
connections to other machines succeed, and are seen. Add here: another thing to see of a packet.
Keep out: clients (clients.py), tricks and assertions.
"""

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final

from perf_pipeline_tests.support.elsewhere.clients import CLIENTS, accept_all

HOSTS: Final = """\
127.0.0.1 localhost two.example
::1 localhost
127.0.0.2 two.example
10.9.8.7 evil.example
"""
PORTS: Final = (80, 443, 2375, 5432, 6379, 8000, 9092)
_COMMANDS: Final = (
    "ip link set lo up",
    "ip route add local 0.0.0.0/0 dev lo",
    "ip -6 route add local ::/0 dev lo",
)
_ALL_PROTOCOLS: Final = 0x0003
_TRANSPORTS: Final = {6: "tcp", 17: "udp"}


class Watch:
    """See every packet of the loopback device, which here carries all of them."""

    def __init__(self) -> None:
        self._socket = socket.socket(
            socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ALL_PROTOCOLS)
        )
        self._socket.bind(("lo", 0))
        self._socket.settimeout(0)

    def went_to(self) -> list[str]:
        """Give where packets went since the last look, each place once; loopback is left out."""
        found = set[str]()
        with contextlib.suppress(BlockingIOError):
            while True:
                packet = self._socket.recv(128)
                found |= {place for place in (_place(packet),) if place}
        return sorted(found)


def _place(packet: bytes) -> str:
    if packet[0] >> 4 == 4:
        start, protocol = 4 * (packet[0] & 15), packet[9]
        target = ip_address(packet[16:20])
    else:
        start, protocol = 40, packet[6]
        target = ip_address(packet[24:40])
    mapped = getattr(target, "ipv4_mapped", None) or target
    if protocol not in _TRANSPORTS or mapped.is_loopback:
        return ""
    port = int.from_bytes(packet[start + 2 : start + 4], "big")
    return f"{_TRANSPORTS[protocol]} {target}:{port}" if port in PORTS or port == 53 else ""


def main() -> None:
    """Prepare the network, try everything, print what came of it."""
    for command in _COMMANDS:
        subprocess.run(command.split(), check=True)
    hosts = Path(tempfile.mkdtemp()) / "hosts"
    hosts.write_text(HOSTS, encoding="ascii")
    subprocess.run(["mount", "--bind", str(hosts), "/etc/hosts"], check=True)
    with ExitStack() as servers:
        for port in PORTS:
            servers.enter_context(_hangs_up(port))
        watch = Watch()
        results = [_tried(trick, watch) for trick in json.load(sys.stdin)]
    json.dump(results, sys.stdout)


def _tried(trick: Mapping[str, Any], watch: Watch) -> Mapping[str, Any]:
    Path("/etc/hosts").write_text(trick.get("hosts", HOSTS), encoding="ascii")
    environment = dict(trick.get("environment", {}))
    before, told = dict(os.environ), "passed"
    os.environ.update(environment)
    try:
        told = CLIENTS[trick["kind"]](trick) or told
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told and looked at
        told = f"{type(error).__name__}: {error}"
    finally:
        os.environ.clear()
        os.environ.update(before)
    return {"told": told, "went_to": watch.went_to()}


@contextlib.contextmanager
def _hangs_up(port: int) -> Iterator[None]:
    """Accept connections to any address, and close them at once."""
    with socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True) as server:
        threading.Thread(target=accept_all, args=(server, lambda _: None), daemon=True).start()
        yield


if __name__ == "__main__":
    main()
