"""An agent's TLS: whoever has no certificate of the fleet's authority is not talked to."""

import socket
import ssl
import threading
from pathlib import Path

import pytest

from perf_pipeline.fleet.encryption import server_context
from perf_pipeline_tests.support.servers.certificates import authority, signed


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("certificates")
    authority(made, "ours")
    authority(made, "theirs")
    signed(made, "host", "ours")
    signed(made, "stranger", "theirs")
    return made


def said(folder: Path, *, texts: bool, owner: str = "") -> bytes:
    """Connect with a certificate, or without one, and give what the agent's side says."""
    parts = {"ca": folder / "ours.pem", "cert": folder / "host.pem", "key": folder / "host.key"}
    given = {name: path.read_text() if texts else str(path) for name, path in parts.items()}
    ours, theirs = socket.socketpair()

    def serve() -> None:
        with ours:
            try:
                with server_context(given).wrap_socket(ours, server_side=True) as stream:
                    stream.sendall(b"hello")
            except ssl.SSLError:
                pass

    thread = threading.Thread(target=serve)
    thread.start()
    context = ssl.create_default_context(cafile=str(folder / "ours.pem"))
    context.check_hostname = False
    if owner:
        context.load_cert_chain(folder / f"{owner}.pem", folder / f"{owner}.key")
    try:
        with theirs, context.wrap_socket(theirs) as stream:
            return stream.recv(5)
    finally:
        thread.join()


@pytest.mark.parametrize("texts", [False, True], ids=["files", "texts"])
def test_who_has_a_certificate_of_the_fleet_is_answered(folder: Path, *, texts: bool) -> None:
    assert said(folder, texts=texts, owner="host") == b"hello"


@pytest.mark.parametrize("owner", ["", "stranger"])
def test_nobody_else_is(folder: Path, owner: str) -> None:
    with pytest.raises(OSError, match=r"(?i)alert|certificate|reset|eof"):
        said(folder, texts=False, owner=owner)
