"""What the proxy between parts costs a round trip, beside the same one past it.

    python -m perf_pipeline_tests.benchmarks.bench_links [--bytes 300] [--trips 3000]

docs/faults.md has its figures. Add here: another kind of traffic. Keep out: bounds.
"""

import argparse
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory

from perf_pipeline.stack.ending import dispose
from perf_pipeline.stack.link_routes import planned_links
from perf_pipeline.stack.links import proxy_state, start_links
from perf_pipeline.stack.process_register import this_process
from perf_pipeline.stack.service import LOOPBACK, open_folder


def _echo(listener: socket.socket) -> None:
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=_answer, args=(connection,), daemon=True).start()


def _answer(connection: socket.socket) -> None:
    with closing(connection):
        while piece := connection.recv(65_536):
            connection.sendall(piece)


def _trips_us(port: int, size: int, trips: int) -> Iterator[float]:
    """Yield how long each round trip takes."""
    with closing(socket.create_connection((LOOPBACK, port))) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(trips):
            began_ns = time.perf_counter_ns()
            connection.sendall(b"x" * size)
            got = 0
            while got < size:
                got += len(connection.recv(65_536))
            yield (time.perf_counter_ns() - began_ns) / 1_000


def main() -> None:
    """Print median and p95 of both ways, and the proxy's CPU of a round trip."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bytes", type=int, default=300)
    parser.add_argument("--trips", type=int, default=3_000)
    asked = parser.parse_args()
    with TemporaryDirectory() as place, socket.create_server((LOOPBACK, 0)) as listener:
        folder = Path(place) / "stack"
        open_folder(folder, owner=this_process())
        threading.Thread(target=_echo, args=(listener,), daemon=True).start()
        port = listener.getsockname()[1]
        links = start_links(folder, planned_links([("api", "redis")]), {"redis": port})
        for name, way in (("past it", port), ("through it", links.links[0].port)):
            before_s = proxy_state(links).cpu_s
            took_us = list(_trips_us(way, asked.bytes, asked.trips))
            cpu_us = (proxy_state(links).cpu_s - before_s) * 1e6 / asked.trips
            p95_us = quantiles(took_us, n=20)[-1]
            print(f"{name}: median {median(took_us):.0f} us, p95 {p95_us:.0f} us", end="")
            print(f", CPU of the proxy {cpu_us:.0f} us a round trip")
        dispose(folder)


if __name__ == "__main__":
    main()
