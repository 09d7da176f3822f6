"""Alerts reach real receivers: a webhook, a mail server with STARTTLS, and any address."""

import json
from email import message_from_string, policy
from pathlib import Path

import pytest

from perf_pipeline.alerting.alert import Alert
from perf_pipeline.alerting.sending import receivers_of, send
from perf_pipeline.config.alerts import Alerts, read_alerts
from perf_pipeline_tests.support.alerts.receivers import hooked, mail_server
from perf_pipeline_tests.support.servers.certificates import self_signed

SLACK = Alerts(slack_env="SHOP_HOOK")
ALERT = Alert(
    outcome="failed",
    run="20261101-010000-abcdef",
    profile="checkout",
    target="staging",
    version="v1.4.2",
    sentence='The run failed, because 1 of 3 thresholds is missed: "p95" of walk is 812 ms.',
    reasons=("FAIL walk: http_req_duration p95 is 812 ms, wanted p(95)<500",),
    link="https://perf.example.org/reports/r1/report.html",
)
TEXT = """\
FAIL: checkout against staging (v1.4.2)
The run failed, because 1 of 3 thresholds is missed: "p95" of walk is 812 ms.
- FAIL walk: http_req_duration p95 is 812 ms, wanted p(95)<500
Run 20261101-010000-abcdef.
Report: https://perf.example.org/reports/r1/report.html"""


def email(server: str, **more: object) -> Alerts:
    """Give the configuration of a mail server."""
    keys = {"server": server, "from": "perf@example.org", "to": ["team@example.org"], **more}
    return read_alerts("here", {"email": keys})


def test_a_webhook_gets_whole_sentences_and_a_link() -> None:
    with hooked() as hook:
        told = send(ALERT, SLACK, {"SHOP_HOOK": hook.address})

    assert told == {"slack": ""}
    # Slack's "Formatting text for app surfaces": these three are control characters there.
    shown = TEXT.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert [json.loads(body) for body in hook.bodies] == [{"text": shown}]
    assert hook.types == ["application/json"]


def test_a_receiver_that_refuses_is_tried_again() -> None:
    with hooked(refusals=2) as hook:
        told = send(ALERT, SLACK, {"SHOP_HOOK": hook.address}, pauses_s=(0, 0))

    assert told == {"slack": ""}
    assert len(hook.bodies) == 1


def test_a_receiver_that_goes_on_refusing_is_told_of_without_its_address() -> None:
    with hooked(refusals=9) as hook:
        told = send(ALERT, SLACK, {"SHOP_HOOK": hook.address}, pauses_s=(0,))

    assert told["slack"].endswith("the address in SHOP_HOOK answered 503")
    assert hook.refusals == 7
    assert "open-sesame" not in told["slack"]


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        ({}, "the variable SHOP_HOOK is not set"),
        ({"SHOP_HOOK": "http://127.0.0.1:9/open-sesame"}, "ConnectError"),
        ({"SHOP_HOOK": "no-address"}, "the address in SHOP_HOOK is not an http or https address"),
        (
            {"SHOP_HOOK": "https://hooks.example.org/open-sesame"},
            "the host of SHOP_HOOK, hooks.example.org, is neither this machine nor an allowed host",
        ),
        ({"SHOP_HOOK": "http://u:open-sesame@127.0.0.1/"}, "holds a user or a password"),
    ],
    ids=["unset", "nobody listens", "no address", "not allowed", "password in it"],
)
def test_what_can_not_be_reached_is_a_sentence_without_the_secret(
    environ: dict[str, str], sentence: str
) -> None:
    told = send(ALERT, SLACK, environ, pauses_s=())

    assert sentence in told["slack"]
    assert "open-sesame" not in told["slack"]


def test_any_address_gets_what_its_template_says_with_values_escaped_in_json() -> None:
    alerts = read_alerts(
        "here",
        {
            "url": {
                "addressEnv": "PAGER",
                "contentType": "application/vnd.pager+json",
                "body": '{"summary": "${sentence}", "source": "${target} ${version}", "at": "$$"}',
            }
        },
    )
    with hooked() as hook:
        told = send(ALERT, alerts, {"PAGER": hook.address})

    assert told == {"url": ""}
    assert json.loads(hook.bodies[0]) == {
        "summary": ALERT.sentence,
        "source": "staging v1.4.2",
        "at": "$",
    }
    assert hook.types == ["application/vnd.pager+json"]


def test_mail_goes_out_encrypted_and_logged_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = self_signed(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate / "cert.pem"))
    with mail_server(certificate, "open-sesame") as box:
        alerts = email(box.server, userEnv="MAIL_USER", passwordEnv="MAIL_PASSWORD")
        told = send(ALERT, alerts, {"MAIL_USER": "perf", "MAIL_PASSWORD": "open-sesame"})

    assert told == {"email": ""}
    mail = message_from_string(box.mails[0], policy=policy.default)
    assert mail["Subject"] == "FAIL: checkout against staging (v1.4.2)"
    assert mail["To"] == "team@example.org"
    assert mail.get_content().strip().replace("\r", "") == TEXT
    assert box.were_encrypted == [True]


def test_a_server_without_starttls_gets_no_mail_and_no_password() -> None:
    with mail_server() as box:
        told = send(ALERT, email(box.server), {}, pauses_s=())

    assert "STARTTLS extension not supported" in told["email"]
    assert box.mails == []


def test_a_certificate_that_nobody_signed_gets_no_mail(tmp_path: Path) -> None:
    with mail_server(self_signed(tmp_path)) as box:
        told = send(ALERT, email(box.server), {}, pauses_s=())

    assert "certificate verify failed" in told["email"]
    assert box.mails == []


def test_mail_without_encryption_is_sent_where_that_is_what_was_written() -> None:
    with mail_server() as box:
        told = send(ALERT, email(box.server, encryption="none"), {})

    assert told == {"email": ""}
    assert box.recipients == [["team@example.org"]]


def test_each_receiver_is_told_by_itself_and_only_those_that_are_asked_for() -> None:
    both = Alerts(slack_env="UNSET_HOOK", url=read_alerts("", {"url": {"addressEnv": "HOOK"}}).url)
    with hooked() as hook:
        told = send(ALERT, both, {"HOOK": hook.address}, pauses_s=())
        again = send(ALERT, both, {"HOOK": hook.address}, only=["slack"], pauses_s=())

    assert receivers_of(both) == ("slack", "url")
    assert told == {"slack": "the variable UNSET_HOOK is not set", "url": ""}
    assert again.keys() == {"slack"}
    assert len(hook.bodies) == 1
