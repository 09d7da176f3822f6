"""The process next to a load worker on its host, `python -m perf_pipeline.fleet.agent`.

An engine of a fleet starts it. It waits for its driver, which knows the token that it printed; it
receives the files, starts the worker as on any machine, and passes messages on in both directions.
It answers questions about its clock, sends the spool while the worker writes it, and ends with its
driver or its worker.

Add here: another task on the worker's host. Keep out: heavy imports, engines (dask_engine.py), and
the driver's part (distant_worker.py).
"""

import hmac
import json
import os
import secrets
import select
import shutil
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from perf_pipeline.engine.machine_time import read_machine_time
from perf_pipeline.engine.wall_clock import WallClockWatch
from perf_pipeline.engine.worker_start import Child, start_interpreter
from perf_pipeline.fleet.agent_link import AgentLink, asked_to_resume
from perf_pipeline.fleet.departing import DepartingSpool
from perf_pipeline.fleet.encryption import server_context
from perf_pipeline.fleet.frames import Frame, FrameKind
from perf_pipeline.fleet.kept_files import KeptFiles, folder_of_host
from perf_pipeline.fleet.link import SILENCE_LIMIT_S, HostLink
from perf_pipeline.fleet.shipment import SPOOL
from perf_pipeline.fleet.worker_pipes import write_all

# The driver connects to one agent after the other, after sending the files of earlier ones.
_DRIVER_LIMIT_S: Final = 600.0
_SEND_EVERY_S: Final = 0.5
_CHUNK_BYTES: Final = 65_536
_GREETING_LIMIT_S: Final = 2.0
_WORKER_LIMIT_S: Final = 6.0  # the worker ends by itself 5 s after its driver
_TIME: Final = struct.Struct("<q")
_HASH_BYTES: Final = 64
_LOG: Final = "worker.log"


class Agent:
    """Carry out the driver's requests for one worker.

    Args:
        link: the link to the driver, which may connect again.
        folder: the folder of this worker on this host; it exists.
        kept: the files that drivers have sent.
    """

    def __init__(self, link: AgentLink, folder: Path, kept: KeptFiles) -> None:
        self._link = link
        self._folder = folder
        self._kept = kept
        self._files: dict[str, str] = {}
        self._worker: Child | None = None
        self._sending: threading.Thread | None = None
        self._machine_before = read_machine_time()
        self._wall_clock = WallClockWatch()

    def run(self) -> None:
        """Serve the driver until it leaves, or does not come back."""
        self._link.send_json(FrameKind.HOST, {"folder": str(self._folder)})
        try:
            while True:
                # The driver keeps asking for the time, so silence means that it is gone.
                frame = self._link.receive(SILENCE_LIMIT_S)
                if frame is None:
                    return
                self._take(*frame)
        except EOFError:
            return
        finally:
            self._end_worker()

    def _take(self, kind: FrameKind, payload: bytes) -> None:
        match kind:
            case FrameKind.PING:
                self._link.send(FrameKind.PONG, payload + _TIME.pack(time.monotonic_ns()))
            case FrameKind.FILES:
                self._files = json.loads(payload)
                self._link.send_json(FrameKind.LACKS, self._kept.lacking(self._files.values()))
            case FrameKind.PART:
                self._kept.take(payload[:_HASH_BYTES].decode(), payload[_HASH_BYTES:])
            case FrameKind.START:
                self._start()
            case FrameKind.INPUT | FrameKind.INPUT_END | FrameKind.SIGNAL:
                if self._worker is not None:
                    _pass_on(self._worker, kind, payload)
            case FrameKind.BEGIN:  # the account of the host shall cover only the load
                self._machine_before, self._wall_clock = read_machine_time(), WallClockWatch()
            case _:
                raise ValueError(f"a driver sends no {kind.name}")

    def _start(self) -> None:
        (self._folder / SPOOL).mkdir()
        self._kept.lay_out(self._folder, self._files)
        os.chdir(self._folder)
        with (self._folder / _LOG).open("ab") as log:
            self._worker = start_interpreter(log.fileno(), ())
        self._link.send_json(FrameKind.STARTED, {"pid": self._worker.pid})
        self._sending = threading.Thread(target=self._send, args=(self._worker,), daemon=True)
        self._sending.start()

    def _send(self, worker: Child) -> None:
        """Pass on the worker's messages and files until the driver has all of them."""
        spool, log = DepartingSpool(self._folder / SPOOL, self._link.send), _Tail(self._folder)
        try:
            self._pass_output(worker, spool, log)
            code = worker.wait()
            spool.send_rest()
            for told in iter(log.read, b""):
                self._link.send(FrameKind.LOG, told)
            self._wall_clock.look()
            machine = read_machine_time().shares_since(self._machine_before)
            done = {"code": code, "machine": machine, "clock_step_ms": self._wall_clock.step_ms}
            self._link.send_json(FrameKind.EXIT, done)
        except OSError as error:  # the driver or the disk is gone; nobody else can be told
            sys.stderr.write(f"{error}\n")
            self._link.close()

    def _pass_output(self, worker: Child, spool: DepartingSpool, log: "_Tail") -> None:
        assert worker.stdout is not None
        fd, due_s = worker.stdout.fileno(), time.monotonic() + _SEND_EVERY_S
        poll = select.poll()
        poll.register(fd, select.POLLIN)
        while True:
            if poll.poll(max(0.0, due_s - time.monotonic()) * 1_000):
                data = os.read(fd, _CHUNK_BYTES)
                if not data:
                    return
                self._link.send(FrameKind.OUTPUT, data)
            if time.monotonic() >= due_s:
                spool.send_new()
                if told := log.read():
                    self._link.send(FrameKind.LOG, told)
                self._wall_clock.look()
                due_s = time.monotonic() + _SEND_EVERY_S

    def _end_worker(self) -> None:
        """End the worker after its driver is gone; it ends by itself when its input ends."""
        if self._worker is None or self._worker.poll() is not None:
            return
        if self._worker.stdin is not None:
            self._worker.stdin.close()
        try:
            self._worker.wait(_WORKER_LIMIT_S)
        except subprocess.TimeoutExpired:
            self._worker.send_signal(9)
            self._worker.wait()


def _pass_on(worker: Child, kind: FrameKind, payload: bytes) -> None:
    """Give a worker its input, the end of it, or a signal."""
    assert worker.stdin is not None
    if kind is FrameKind.SIGNAL:
        worker.send_signal(int(payload))
    elif kind is FrameKind.INPUT_END:
        worker.stdin.close()
    else:
        write_all(worker.stdin.fileno(), payload)


class _Tail:
    """Read new lines of the worker's log."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / _LOG
        self._at = 0

    def read(self) -> bytes:
        with self._path.open("rb") as file:
            file.seek(self._at)
            data = file.read(_CHUNK_BYTES)
        self._at += len(data)
        return data


def main() -> int:
    """Wait for the driver, serve it, and leave nothing behind."""
    order: dict[str, Any] = json.loads(sys.stdin.readline())
    token = secrets.token_hex(32)
    os.umask(0o077)
    home = folder_of_host()
    tls = server_context(order["tls"]) if order["tls"] else None
    with socket.create_server((order["host"], 0), family=_family(order["host"])) as listener:
        sys.stdout.write(json.dumps({"port": listener.getsockname()[1], "token": token}) + "\n")
        sys.stdout.flush()
        _leave_the_starter()
        raw = _accepted(listener, token, tls)
        if raw is None:
            return 1
        link = AgentLink(raw)
        again = (listener, token, tls, link)
        threading.Thread(target=_accept_again, args=again, daemon=True).start()
        return _serve(link, home)


def _serve(link: AgentLink, home: Path) -> int:
    folder = Path(tempfile.mkdtemp(dir=home, prefix="worker-"))
    try:
        Agent(link, folder, KeptFiles(home / "files")).run()
    except (OSError, ValueError) as error:
        with suppress(OSError):
            link.send(FrameKind.REFUSED, str(error).encode())
        return 1
    finally:
        link.close()
        os.chdir("/")
        shutil.rmtree(folder, ignore_errors=True)
    return 0


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _leave_the_starter() -> None:
    """Close the pipes to the process that started this one, which may end earlier."""
    with Path(os.devnull).open("r+b") as nothing:
        for fd in (0, 1):
            os.dup2(nothing.fileno(), fd)


def _accepted(listener: socket.socket, token: str, tls: ssl.SSLContext | None) -> HostLink | None:
    """Wait for a driver that knows the token; None if none came."""
    until_s = time.monotonic() + _DRIVER_LIMIT_S
    while (left_s := until_s - time.monotonic()) > 0:
        listener.settimeout(left_s)
        with suppress(OSError, EOFError, ValueError):
            link, frame = _greeted(listener, tls, SILENCE_LIMIT_S)
            if _is_hello(frame, token):
                return link
            link.close()
    return None


def _accept_again(
    listener: socket.socket, token: str, tls: ssl.SSLContext | None, link: AgentLink
) -> None:
    """Let only the driver continue after a connection was lost."""
    listener.settimeout(None)
    while True:
        with suppress(OSError, EOFError, ValueError):
            raw, frame = _greeted(listener, tls, _GREETING_LIMIT_S)
            count = asked_to_resume(frame, token)
            if count is None:
                raw.close()
            else:
                link.offer(raw, count)


def _greeted(
    listener: socket.socket, tls: ssl.SSLContext | None, limit_s: float
) -> tuple[HostLink, Frame | None]:
    """Accept a connection, and return its first frame; None if nothing came in time."""
    stream, _ = listener.accept()
    stream.settimeout(limit_s)
    try:
        link = HostLink(tls.wrap_socket(stream, server_side=True) if tls else stream)
        return link, link.receive(limit_s)
    except BaseException:
        stream.close()
        raise


def _is_hello(frame: Frame | None, token: str) -> bool:
    return (
        frame is not None
        and frame[0] is FrameKind.HELLO
        and hmac.compare_digest(frame[1], token.encode())
    )


if __name__ == "__main__":
    sys.exit(main())
