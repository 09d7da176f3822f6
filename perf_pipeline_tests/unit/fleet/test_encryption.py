"""An agent's TLS: whoever has no certificate of the fleet's authority is not talked to."""

import select
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from perf_pipeline.fleet.encryption import server_context
from perf_pipeline.fleet.frames import FrameKind, packed
from perf_pipeline.fleet.link import HostLink
from perf_pipeline_tests.support.servers.certificates import authority, signed


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("certificates")
    authority(made, "ours")
    authority(made, "theirs")
    signed(made, "host", "ours")
    signed(made, "stranger", "theirs")
    return made


def of_agent(folder: Path, *, texts: bool = False) -> ssl.SSLContext:
    parts = {"ca": folder / "ours.pem", "cert": folder / "host.pem", "key": folder / "host.key"}
    return server_context(
        {name: path.read_text() if texts else str(path) for name, path in parts.items()}
    )


def of_driver(folder: Path, owner: str) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(folder / "ours.pem"))
    context.check_hostname = False
    if owner:
        context.load_cert_chain(folder / f"{owner}.pem", folder / f"{owner}.key")
    return context


def said(folder: Path, *, texts: bool, owner: str = "") -> bytes:
    """Connect with a certificate, or without one, and give what the agent's side says.

    Raises:
        OSError: this side could not go on; its cause is what the agent's side had against it.
    """
    ours, theirs = socket.socketpair()

    def serve() -> None:
        with ours, of_agent(folder, texts=texts).wrap_socket(ours, server_side=True) as stream:
            stream.sendall(b"hello")

    context = of_driver(folder, owner)
    with ThreadPoolExecutor(1) as thread:
        served = thread.submit(serve)
        try:
            with theirs, context.wrap_socket(theirs) as stream:
                told = stream.recv(5)
        except OSError as error:
            raise error from served.exception()
        served.result()
    return told


@pytest.mark.parametrize("texts", [False, True], ids=["files", "texts"])
def test_who_has_a_certificate_of_the_fleet_is_answered(folder: Path, *, texts: bool) -> None:
    assert said(folder, texts=texts, owner="host") == b"hello"


@pytest.mark.parametrize(
    ("owner", "reason"),
    [("", "PEER_DID_NOT_RETURN_A_CERTIFICATE"), ("stranger", "CERTIFICATE_VERIFY_FAILED")],
)
def test_nobody_else_is(folder: Path, owner: str, reason: str) -> None:
    with pytest.raises(OSError, match=r"(?i)alert|certificate|reset|eof") as refused:
        said(folder, texts=False, owner=owner)
    cause = refused.value.__cause__
    assert isinstance(cause, ssl.SSLError)
    assert cause.reason == reason


def test_what_came_before_a_connection_was_ended_is_still_decrypted(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as thread:
        near = socket.create_connection(listener.getsockname())
        far, _ = listener.accept()
        wrapped = thread.submit(of_agent(folder).wrap_socket, far, server_side=True)
        link = HostLink(of_driver(folder, "host").wrap_socket(near))
        with wrapped.result() as agent:
            agent.sendall(packed(FrameKind.OUTPUT, b"one"))
            assert link.receive(20) == (FrameKind.OUTPUT, b"one")
            agent.sendall(packed(FrameKind.OUTPUT, b"two"))
            select.select([link._stream], [], [], 20)
            link.end()  # as another thread does, for which this one was too slow

            assert link.receive(20) == (FrameKind.OUTPUT, b"two")
            with pytest.raises(EOFError):
                link.receive(20)
            with pytest.raises(OSError, match=r"(?i)broken pipe|eof|closed"):
                link.send(FrameKind.PING)
        link.close()
