"""Health of a container whose process does not listen: is it connected to the ports it needs?

    python is_connected.py 5432 9092

Exit code 0 when process 1 has an established connection to every port, else 1 with a sentence.
Add here: nothing that needs more than psutil. Keep out: imports of perf_pipeline.
"""

# ruff: noqa: INP001 - a program of its own, copied into the image

import argparse
import sys

import psutil


def missing_ports(pid: int, wanted: list[int]) -> list[int]:
    """Give the ports that a process has no established connection to.

    Raises:
        psutil.Error: there is no such process, or it may not be looked at.
    """
    connections = psutil.Process(pid).net_connections(kind="tcp")
    reached = {
        connection.raddr.port
        for connection in connections
        if connection.raddr and connection.status == psutil.CONN_ESTABLISHED
    }
    return [port for port in wanted if port not in reached]


def main() -> int:
    """Look once and give the exit code."""
    parser = argparse.ArgumentParser(description="Is process 1 connected to these TCP ports?")
    parser.add_argument("port", type=int, nargs="+", help="of the other side")
    parser.add_argument("--pid", type=int, default=1, help="another process")
    arguments = parser.parse_args()
    missing = missing_ports(arguments.pid, arguments.port)
    if missing:
        sys.stderr.write(f"not connected to port {', '.join(map(str, missing))}\n")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
