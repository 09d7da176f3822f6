"""The API's processes: one listening socket, one or several uvicorn servers behind it.

Add here: options of the server. Keep out: routes (app.py).
"""

import argparse
import asyncio
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import ExitStack

import uvicorn
import uvloop

from perf_pipeline.reference_system.app import create_app
from perf_pipeline.reference_system.lifecycle import PartError, run_part
from perf_pipeline.reference_system.settings import Settings, read_settings

_BACKLOG = 2_048
# Longer than any think time of a load test, so that a client never writes into a closing socket.
_KEEP_ALIVE_S = 75
_GRACE_S = 3
_KILL_AFTER_S = _GRACE_S + 1.5

_log = logging.getLogger(__name__)


class _Server(uvicorn.Server):
    """Serve, and log when requests are accepted, so that all processes can be waited for."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            _log.info("ready")


def _serve(settings: Settings, listener: socket.socket, stop: threading.Event) -> int:
    config = uvicorn.Config(
        create_app(settings),
        http="httptools",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_GRACE_S,
    )
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    server = _Server(config)
    server.should_exit = stop.is_set()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(server.serve(sockets=[listener]))
    return 0 if server.started or stop.is_set() else 1


def _supervise(listener: socket.socket, count: int, stop: threading.Event) -> int:
    """Run `count` servers as children until asked to stop; one that dies ends all (exit 1)."""
    descriptor = listener.fileno()
    command = [sys.executable, "-m", "perf_pipeline.reference_system.api", "--fd", str(descriptor)]
    with ExitStack() as stack:
        children = [
            stack.enter_context(
                subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=[descriptor])
            )
            for _ in range(count)
        ]
        while not stop.wait(0.1) and all(child.poll() is None for child in children):
            pass
        died = [child for child in children if child.poll() is not None]
        for child in died:
            _log.error("API process %d ended with code %d", child.pid, child.returncode)
        _end(children)
    # A child that was still importing has no handler yet, and ends by the signal itself.
    cleanly = all(child.returncode in {0, -signal.SIGTERM} for child in children)
    return 0 if cleanly and not died else 1


def _end(children: list[subprocess.Popen[bytes]]) -> None:
    for child in children:
        child.terminate()
    for child in children:
        try:
            child.wait(_KILL_AFTER_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _stop_with_parent() -> None:
    """Wait for the end of standard input, which only the supervisor holds open."""
    # Not sys.stdin: a thread that waits inside it makes the interpreter abort at its exit.
    os.read(0, 1)
    os.kill(os.getpid(), signal.SIGTERM)


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except socket.gaierror as error:
        raise PartError(f"cannot listen on {host}:{port}: {error.strerror}") from error
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise PartError(f"cannot listen on {host}:{port}: {reason}") from error


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m perf_pipeline.reference_system.api",
        description="Serve the Birthday Scheduler over HTTP.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=8000, help="port to listen on; 0 picks one")
    parser.add_argument("--processes", type=int, default=1, help="server processes")
    parser.add_argument("--fd", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.processes < 1 or not 0 <= arguments.port <= 65_535:
        parser.error("--processes is at least 1, --port lies between 0 and 65535")
    return arguments


def _run(arguments: argparse.Namespace, stop: threading.Event) -> int:
    settings = read_settings(os.environ, needs_brokers=False)
    if arguments.fd is not None:
        threading.Thread(target=_stop_with_parent, daemon=True).start()
        return _serve(settings, socket.socket(fileno=arguments.fd), stop)
    with _listen(arguments.host, arguments.port) as listener:
        host, port = listener.getsockname()[:2]
        _log.info("listening on http://%s:%d", host, port)
        if arguments.processes == 1:
            return _serve(settings, listener, stop)
        return _supervise(listener, arguments.processes, stop)


def main() -> int:
    """Serve until SIGTERM or SIGINT and return the exit code."""
    arguments = _arguments()
    return run_part("api", lambda stop: _run(arguments, stop))


if __name__ == "__main__":
    sys.exit(main())
