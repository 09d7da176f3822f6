"""Who gets alerts about runs that did not pass: `[alerts]` of a profile or of a component.

A profile only names the environment variables that hold addresses and passwords. Add here: a key of
a receiver. Keep out: sending (alerting/).
"""

import re
from collections.abc import Mapping
from string import Template
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import AfterValidator, Field, ValidationError, model_validator

from perf_pipeline.config.frozen import Frozen, is_empty
from perf_pipeline.errors import ProfileError

Outcome = Literal["failed", "regressed", "invalid", "notMeasured"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
FIELDS = (
    *("outcome", "sentence", "reasons", "text"),
    *("run", "profile", "target", "version", "link"),
)
"""What a template may name."""
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SERVER = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s:/@]+):[0-9]{1,5}")


def _template(text: str) -> str:
    template = Template(text)
    if not template.is_valid():
        raise ValueError("has a $ without a name after it; write $$ for a $ that is sent")
    if unknown := [name for name in template.get_identifiers() if name not in FIELDS]:
        known = ", ".join(FIELDS)
        raise ValueError(f"names ${{{unknown[0]}}}; a template may name {known}")
    return text


def _mailbox(text: str) -> str:
    name, at, domain = text.rpartition("@")
    if not (name and at and domain) or any(letter.isspace() for letter in text):
        raise ValueError(f"is {text!r}; write an address such as team@example.org")
    return text


def _variable(text: str) -> str:
    if not _VARIABLE.fullmatch(text):
        raise ValueError(
            "is not the name of an environment variable; the value itself is never written"
        )
    return text


def _one_line(text: str) -> str:
    if not (text and text.isascii() and text.isprintable()):
        raise ValueError(f"is {text!r}; write a media type, such as text/plain")
    return text


def _server(text: str) -> str:
    if not _SERVER.fullmatch(text):
        raise ValueError(f"is {text!r}; write host and port, such as smtp.example.org:587")
    return text


VariableName = Annotated[str, AfterValidator(_variable)]
Mailbox = Annotated[str, AfterValidator(_mailbox)]


class EmailAlert(Frozen):
    """Say by which server mail goes out, and to whom.

    Attributes:
        server: host and port of the SMTP server, such as `smtp.example.org:587`.
        encryption: `starttls` asks for it before anything else is said, `tls` begins with it, and
            `none` is for a server on this machine.
        sender: the address that the mail comes from.
        to: the addresses that it goes to.
        user_env: the variable with the user's name, where the server asks for one.
        password_env: the variable with the password.
    """

    server: Annotated[str, AfterValidator(_server)]
    encryption: Literal["starttls", "tls", "none"] = "starttls"
    sender: Mailbox = Field(alias="from")
    to: tuple[Mailbox, ...] = Field(min_length=1, strict=False)
    user_env: VariableName = Field(default="", exclude_if=is_empty)
    password_env: VariableName = Field(default="", exclude_if=is_empty)

    @model_validator(mode="after")
    def _has_both_or_neither(self) -> Self:
        if bool(self.user_env) != bool(self.password_env):
            raise ValueError("needs both userEnv and passwordEnv, or neither")
        return self


class UrlAlert(Frozen):
    """Describe the request that is sent to any other address that takes HTTP.

    Attributes:
        address_env: the variable with the address.
        method: the method of the request.
        content_type: the type of the body; in JSON every value is escaped.
        body: the template; `${sentence}`, `${link}` and others are filled in.
    """

    address_env: VariableName
    method: Literal["POST", "PUT"] = "POST"
    content_type: Annotated[str, AfterValidator(_one_line)] = "application/json"
    body: Annotated[str, AfterValidator(_template)] = '{"text": "${text}"}'


class Alerts(Frozen):
    """Say which runs send an alert, and to whom.

    Attributes:
        on: outcomes that send an alert: a threshold failed, a confirmed regression, a load
            generator that did not keep up, or a run that could not measure.
        slack_env: the variable with the address of a webhook that takes Slack's JSON.
        email: a mail server.
        url: any other address.
    """

    on: tuple[Outcome, ...] = Field(default=OUTCOMES, min_length=1, strict=False)
    slack_env: VariableName = Field(default="", exclude_if=is_empty)
    email: EmailAlert | None = None
    url: UrlAlert | None = None

    @model_validator(mode="after")
    def _tells_somebody(self) -> Self:
        if not (self.slack_env or self.email or self.url):
            raise ValueError("names no receiver; add slackEnv, email or url")
        return self


def read_alerts(source: str, written: Mapping[str, Any]) -> Alerts:
    """Read the same keys from a source that is not a profile.

    Args:
        source: the name of that source, for the message.
        written: the keys with their values.

    Raises:
        ProfileError: lists all mistakes.
    """
    try:
        return Alerts.model_validate(dict(written))
    except ValidationError as error:
        problems = [
            f"{'.'.join(map(str, found['loc'])) or 'alerts'}: "
            f"{found['msg'].removeprefix('Value error, ')}"
            for found in error.errors()
        ]
        raise ProfileError(source, problems) from None
