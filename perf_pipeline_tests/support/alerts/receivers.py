"""Real receivers of alerts: an HTTP server and a mail server of this machine.

Add here: another kind of receiver. Keep out: assertions.
"""

import ssl
from asyncio.base_events import Server
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from perf_pipeline_tests.support.servers.serving import QuietHandler, serving


@dataclass(slots=True)
class Hook:
    """Hold what was sent to an HTTP receiver, which refuses as often as it is told to."""

    address: str = ""
    refusals: int = 0
    bodies: list[str] = field(default_factory=list)
    types: list[str] = field(default_factory=list)


@contextmanager
def hooked(refusals: int = 0) -> Iterator[Hook]:
    """Take posts as Slack's webhooks do, after answering 503 a few times."""
    hook = Hook(refusals=refusals)

    class Handler(QuietHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            if hook.refusals:
                hook.refusals -= 1
                self.send_response(503)
            else:
                hook.bodies.append(body)
                hook.types.append(self.headers["Content-Type"])
                self.send_response(200)
            self.end_headers()

    with serving(Handler) as base_url:
        hook.address = f"{base_url}/services/open-sesame"
        yield hook


@dataclass(slots=True)
class Mailbox:
    """Hold the mails that a server took, and who was logged in."""

    server: str = ""
    mails: list[str] = field(default_factory=list)
    recipients: list[Sequence[str]] = field(default_factory=list)
    were_encrypted: list[bool] = field(default_factory=list)

    async def handle_DATA(  # noqa: N802 - aiosmtpd finds it by this name
        self, _: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Take a mail."""
        assert isinstance(envelope.content, bytes)
        self.mails.append(envelope.content.decode())
        self.recipients.append(list(envelope.rcpt_tos))
        self.were_encrypted.append(session.ssl is not None)
        return "250 taken"


class AnyPort(Controller):
    """Serve on a port that the system chooses."""

    def _trigger_server(self) -> None:
        assert isinstance(self.server, Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]  # aiosmtpd types half of it


@contextmanager
def mail_server(certificate: Path | None = None, password: str = "") -> Iterator[Mailbox]:
    """Serve SMTP on a free port of localhost.

    Args:
        certificate: folder with cert.pem and key.pem; STARTTLS is offered with it, and required.
        password: that the user `perf` has to give; nobody logs in without one.
    """
    trust = None
    if certificate is not None:
        trust = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        trust.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    box = Mailbox()

    def known(*arguments: object) -> AuthResult:
        given = arguments[-1]
        assert isinstance(given, LoginPassword)
        return AuthResult(success=given == LoginPassword(b"perf", password.encode()))

    controller = AnyPort(
        box,
        hostname="127.0.0.1",
        port=0,
        tls_context=trust,
        require_starttls=trust is not None,
        authenticator=known if password else None,
        auth_required=bool(password),
    )
    controller.start()
    try:
        box.server = f"localhost:{controller.port}"
        yield box
    finally:
        controller.stop()
