"""Send an alert by mail (SMTP, RFC 5321; STARTTLS, RFC 3207).

Add here: a header of the mail. Keep out: what is said (alert.py).
"""

import smtplib
import ssl
from collections.abc import Mapping
from email.message import EmailMessage
from typing import Final

from perf_pipeline.alerting.alert import Alert
from perf_pipeline.alerting.permission import require_permitted, secret_of, value_of
from perf_pipeline.config.alerts import EmailAlert
from perf_pipeline.secrecy.known import KNOWN

TIMEOUT_S: Final = 10.0


def send_mail(alert: Alert, email: EmailAlert, environ: Mapping[str, str]) -> None:
    """Hand a mail to the server, by the encryption that is wanted or not at all.

    Raises:
        PerfPipelineError: the server is no allowed host, or a variable is not set.
        OSError: nobody answers, or TLS fails.
        smtplib.SMTPException: the server refuses; its text may name the addresses.
    """
    host, port = require_permitted(email.server, environ, "the mail server")
    user = value_of(email.user_env, environ) if email.user_env else ""
    password = secret_of(email.password_env, environ) if email.password_env else ""
    with _connected(host, port, email) as server:
        if user:
            server.login(user, password)
        server.send_message(_message(alert, email), email.sender, list(email.to))


def _connected(host: str, port: int, email: EmailAlert) -> smtplib.SMTP:
    trust = ssl.create_default_context()
    if email.encryption == "tls":
        return smtplib.SMTP_SSL(host, port, timeout=TIMEOUT_S, context=trust)
    server = smtplib.SMTP(host, port, timeout=TIMEOUT_S)
    if email.encryption == "starttls":
        try:
            server.starttls(context=trust)
        except BaseException:
            server.close()
            raise
    return server


def _message(alert: Alert, email: EmailAlert) -> EmailMessage:
    message = EmailMessage()
    message["Subject"] = " ".join(KNOWN.mask(alert.title).split())
    message["From"] = email.sender
    message["To"] = ", ".join(email.to)
    message.set_content(KNOWN.mask(alert.text))
    return message
