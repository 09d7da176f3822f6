"""A real SFTP server on loopback, whose root is a folder, and a home of a user who may log in.

Add here: another thing that a server refuses. Keep out: what is put there.
"""

import asyncio
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest


@dataclass(frozen=True, slots=True)
class SftpServer:
    """Hold a server that runs.

    Attributes:
        port: of 127.0.0.1.
        root: the folder that its users see as `/`.
        home: of a user whose SSH key it takes, and who does not know it yet.
        key: what it is known by, as a line of `known_hosts` has it.
    """

    port: int
    root: Path
    home: Path
    key: str

    @property
    def url(self) -> str:
        """Give a place on it."""
        return f"sftp://anna@127.0.0.1:{self.port}/team/speed"

    def make_known(self, key: str | None = None) -> None:
        """Write a key, its own by default, into the user's `known_hosts`."""
        line = f"[127.0.0.1]:{self.port} {key or self.key}\n"
        (self.home / ".ssh" / "known_hosts").write_text(line, encoding="ascii")


@contextmanager
def sftp_server(folder: Path) -> Iterator[SftpServer]:
    """Serve an empty folder; skip the test where asyncssh is not installed."""
    asyncssh: Any = pytest.importorskip("asyncssh")
    root, ssh = folder / "root", folder / "home" / ".ssh"
    root.mkdir()
    ssh.mkdir(parents=True)
    ours, theirs = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
    theirs.write_private_key(ssh / "id_ed25519")
    theirs.write_public_key(ssh / "id_ed25519.pub")
    met: list[Any] = []

    class Server(asyncssh.SSHServer):  # type: ignore[misc]  # it is not there everywhere
        def connection_made(self, conn: Any) -> None:
            met.append(conn)

    loop, stop, ports = asyncio.new_event_loop(), asyncio.Event(), queue.Queue[int]()

    async def serve() -> None:
        server = await asyncssh.listen(
            "127.0.0.1",
            0,
            server_factory=Server,
            server_host_keys=[ours],
            authorized_client_keys=str(ssh / "id_ed25519.pub"),
            sftp_factory=lambda channel: asyncssh.SFTPServer(channel, chroot=str(root)),
        )
        ports.put(server.get_port())
        await stop.wait()
        server.close()
        for connection in met:
            connection.abort()
            await connection.wait_closed()
        await server.wait_closed()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    try:
        yield SftpServer(ports.get(timeout=20), root, ssh.parent, ours.export_public_key().decode())
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()
