"""An agent's TLS: whoever has no certificate of the fleet's authority is not talked to."""

import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
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
    """Connect with a certificate, or without one, and give what the agent's side says.

    Raises:
        OSError: this side could not go on; its cause is what the agent's side had against it.
    """
    parts = {"ca": folder / "ours.pem", "cert": folder / "host.pem", "key": folder / "host.key"}
    given = {name: path.read_text() if texts else str(path) for name, path in parts.items()}
    ours, theirs = socket.socketpair()

    def serve() -> None:
        with ours, server_context(given).wrap_socket(ours, server_side=True) as stream:
            stream.sendall(b"hello")

    context = ssl.create_default_context(cafile=str(folder / "ours.pem"))
    context.check_hostname = False
    if owner:
        context.load_cert_chain(folder / f"{owner}.pem", folder / f"{owner}.key")
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
