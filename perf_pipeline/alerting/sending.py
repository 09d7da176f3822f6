"""Send an alert to each receiver by itself, and try those that refuse again.

Add here: another kind of receiver, in `_senders`. Keep out: what is said (alert.py).
"""

import smtplib
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from typing import Final

import httpx

from perf_pipeline.alerting.alert import Alert
from perf_pipeline.alerting.mail import TIMEOUT_S, send_mail
from perf_pipeline.alerting.permission import permitted_address
from perf_pipeline.config.alerts import Alerts, UrlAlert
from perf_pipeline.errors import PerfPipelineError
from perf_pipeline.quoting import on_one_line
from perf_pipeline.secrecy.known import KNOWN

PAUSES_S: Final = (1.0, 3.0)
"""Before a second and a third attempt."""
_SLACK: Final = "slack"


def receivers_of(alerts: Alerts) -> tuple[str, ...]:
    """Name the receivers."""
    return tuple(name for name, _ in _senders(alerts, {}))


def send(
    alert: Alert,
    alerts: Alerts,
    environ: Mapping[str, str],
    *,
    only: Collection[str] = (),
    pauses_s: Collection[float] = PAUSES_S,
) -> dict[str, str]:
    """Tell each receiver, and return what went wrong with whom; an empty text where nothing did.

    Args:
        alert: what is said; secrets are masked before it is sent.
        alerts: who gets alerts.
        environ: holds addresses and passwords.
        only: names of receivers; all of them when empty.
        pauses_s: before each attempt after the first one.
    """
    return {
        name: _attempts(partial(sender, alert), pauses_s)
        for name, sender in _senders(alerts, environ)
        if not only or name in only
    }


def _senders(
    alerts: Alerts, environ: Mapping[str, str]
) -> Iterator[tuple[str, Callable[[Alert], None]]]:
    if alerts.slack_env:
        slack = UrlAlert(address_env=alerts.slack_env)
        yield _SLACK, partial(_post, url=slack, environ=environ, for_slack=True)
    if alerts.email is not None:
        yield "email", partial(send_mail, email=alerts.email, environ=environ)
    if alerts.url is not None:
        yield "url", partial(_post, url=alerts.url, environ=environ)


def _attempts(attempt: Callable[[], None], pauses_s: Collection[float]) -> str:
    """Try until it is taken; return what the last attempt met."""
    trouble, pause = "", threading.Event()
    for wait_s in (0.0, *pauses_s):
        pause.wait(wait_s)
        try:
            attempt()
        except PerfPipelineError as error:
            return error.sentence  # another attempt would meet the same
        except (OSError, httpx.HTTPError, smtplib.SMTPException) as error:
            trouble = on_one_line(KNOWN.mask(f"{type(error).__name__}: {error}"))
        else:
            return ""
    return trouble


def _post(
    alert: Alert, *, url: UrlAlert, environ: Mapping[str, str], for_slack: bool = False
) -> None:
    """Send what the template says; redirects are not followed, because nobody allowed them.

    Raises:
        httpx.HTTPError: nobody answers, or not with 2xx; the address is not in its text.
    """
    address = permitted_address(url.address_env, environ)
    with httpx.Client(timeout=TIMEOUT_S, trust_env=False) as client:
        answer = client.request(
            url.method,
            address,
            content=KNOWN.mask(alert.filled(url, for_slack=for_slack)).encode(),
            headers={"Content-Type": url.content_type},
        )
    if not answer.is_success:
        raise httpx.HTTPError(f"the address in {url.address_env} answered {answer.status_code}")
