"""HTTP scenarios of one's own as configuration: steps, or a Python function of the user's.

Add here: a key of a step or of an own scenario, with its meaning in docs/scenarios.md. Keep out:
rules that span several steps or need files (http_step_rules.py, files.py), and requests
(workloads/).
"""

import re
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from perf_pipeline.config.data_sets import DataSet
from perf_pipeline.config.durations import Duration
from perf_pipeline.config.frozen import Frozen
from perf_pipeline.config.ranges import DurationRange
from perf_pipeline.units import US_PER_S, format_duration

HEADER_PREFIX: Final = "header:"
GROUP_SEPARATOR: Final = "::"
_BODILESS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
# A name is a tag's value in thresholds, where these characters separate or quote.
_NAME: Final = re.compile(r"(?! )[^,{}:'\"\x00-\x1f]{1,80}(?<! )")
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_WRITTEN_BY_CLIENT: Final = frozenset({"host", "content-length", "transfer-encoding", "connection"})
_PATH: Final = re.compile(r"/[^\s#\x00-\x1f]*")


def _text(value: object) -> object:
    """Let numbers stand where text goes, as people write them in a query or a form."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


def _listed(value: object) -> object:
    return [value] if isinstance(value, int) and not isinstance(value, bool) else value


def _positive(us: int) -> int:
    if us <= 0:
        raise ValueError(f"{format_duration(us)} is no time to wait for; more than 0s is needed")
    return us


def _has_steps(steps: tuple["HttpStep", ...]) -> tuple["HttpStep", ...]:
    # Not min_length: pydantic would count only the right ones, and add a mistake to a mistake.
    if not steps:
        raise ValueError("there is no step; write at least one")
    return steps


def _status(value: int) -> int:
    if not 100 <= value <= 599:
        raise ValueError(f"{value} is not an HTTP status; they go from 100 to 599")
    return value


def _name(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise ValueError(
            f"{value!r} can't be a name: 1 to 80 characters, none of , {{ }} : and quotes, "
            "no blanks at its ends"
        )
    return value


def _variable(value: str) -> str:
    if not _VARIABLE.fullmatch(value):
        raise ValueError(f"{value!r} can't be a name here: letters, digits and _, no digit first")
    return value


def _path(value: str) -> str:
    if not _PATH.fullmatch(re.sub(r"\$\{[^{}]*\}", "x", value)):
        raise ValueError(
            f"{value!r} is not a path on the target; it begins with /, without blanks and #, "
            "like /user?page=1"
        )
    return value


def _header_name(value: str) -> str:
    if not _TOKEN.fullmatch(value):
        raise ValueError(f"{value!r} can't be a header's name (RFC 9110, 5.6.2)")
    if value.lower() in _WRITTEN_BY_CLIENT:
        raise ValueError(f"{value!r} is written by the client itself; leave it out")
    return value


def _header_value(value: str) -> str:
    if not is_header_text(value):
        raise ValueError("holds a character that a header can't carry; its value is not shown")
    return value


def is_header_text(text: str) -> bool:
    """Say whether a text may stand in a header's value (RFC 9110, 5.5)."""
    return text == text.strip() and all(" " <= one <= "\xff" and one != "\x7f" for one in text)


PositiveDuration = Annotated[Duration, AfterValidator(_positive)]
Text = Annotated[str, BeforeValidator(_text)]
Headers = dict[
    Annotated[str, AfterValidator(_header_name)],
    Annotated[str, BeforeValidator(_text), AfterValidator(_header_value)],
]
Name = Annotated[str, AfterValidator(_name)]
VariableName = Annotated[str, AfterValidator(_variable)]
Statuses = Annotated[
    tuple[Annotated[int, AfterValidator(_status)], ...],
    BeforeValidator(_listed),
    Field(strict=False),
]


class Auth(Frozen):
    """Name the environment variable that holds a secret; the secret itself is never written.

    Attributes:
        bearer_env: of a token, sent as `Authorization: Bearer ...`.
        basic_env: of `user:password`, sent as `Authorization: Basic ...`.
    """

    bearer_env: VariableName | None = None
    basic_env: VariableName | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if (self.bearer_env is None) == (self.basic_env is None):
            raise ValueError("names exactly one of bearerEnv and basicEnv")
        return self

    @property
    def variable(self) -> str:
        """Give the variable's name."""
        return self.bearer_env or self.basic_env or ""


class OwnHttpParameters(Frozen):
    """Say how an own scenario talks HTTP.

    Attributes:
        timeout_us: of a request, from the first byte sent to the last byte received.
        redirects: most of them followed for one request, on the target's own origin; each hop is
            a sample, as in k6; 0 follows none.
        headers: of every request.
        auth: of every request.
        ca_file: PEM file with the authorities to trust, relative to the profile.
        insecure_skip_verify: take any certificate; every report says so.
        kept_body_bytes: a longer response body is read and counted, but nothing of it is kept to
            be looked at; the same limit holds for what a compressed one becomes.
        keep_cookies: keep a VU's cookies between its iterations; k6's default is not to.
        http2: speak HTTP/2 to a target with https; one that does not choose it is refused before
            the load, and a connection where it does not is a failed request.
    """

    timeout_us: Duration = Field(default=10 * US_PER_S, alias="timeout", gt=0)
    redirects: int = Field(default=10, ge=0, le=100)
    headers: Headers = Field(default_factory=dict)
    auth: Auth | None = None
    ca_file: str | None = None
    insecure_skip_verify: bool = False
    kept_body_bytes: int = Field(default=16 * 1024 * 1024, ge=0, le=1024 * 1024 * 1024)
    keep_cookies: bool = False
    http2: bool = False

    @property
    def secret_names(self) -> frozenset[str]:
        """Name the environment variables that are only ever the machine's."""
        return frozenset({self.auth.variable} if self.auth else ())


class Expect(Frozen):
    """Say what a response must be; each is a check of its own.

    Attributes:
        statuses: that are right; another is a failed request, too. Without it 200 to 399 are.
        json_values: JSON path -> value, or "exists".
        duration_us: the response is complete in less; more than 0s.
    """

    statuses: Statuses = Field(default=(), alias="status")
    json_values: dict[str, Any] = Field(default_factory=dict, alias="json")
    duration_us: PositiveDuration | None = Field(default=None, alias="duration")


class HttpStep(Frozen):
    """Describe one request; texts may hold variables like `${vu}`.

    Attributes:
        name: of the operation in every report.
        group: put before the name, `group::name`.
        method: of HTTP.
        path: below the target's base URL, with or without a query; values are percent-encoded.
        query: parameters, percent-encoded.
        headers: beside, or in place of, the scenario's.
        json_body: sent as JSON; a text that is one variable takes that variable's type.
        form: sent as application/x-www-form-urlencoded.
        body: sent as it is, in UTF-8.
        expect: of the response.
        save: variable -> JSON path, or `header:NAME`; each is a check. Where one is missing, the
            iteration ends, because later steps need it.
        think_time_us: uniform pause after the step.
        timeout_us: in place of the scenario's; more than 0s.
    """

    name: Name
    group: Name | None = None
    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] = "GET"
    path: Annotated[str, AfterValidator(_path)]
    query: dict[str, Text] = Field(default_factory=dict)
    headers: Headers = Field(default_factory=dict)
    json_body: Any = Field(default=None, alias="json")
    form: dict[str, Text] | None = None
    body: str | None = None
    expect: Expect = Expect()
    save: dict[VariableName, str] = Field(default_factory=dict)
    think_time_us: DurationRange = Field(default=(0, 0), alias="thinkTime")
    timeout_us: PositiveDuration | None = Field(default=None, alias="timeout")

    @model_validator(mode="after")
    def _body_fits(self) -> Self:
        bodies = {"json": self.json_body, "form": self.form, "body": self.body}
        given = [name for name, body in bodies.items() if body is not None]
        if len(given) > 1:
            raise ValueError(f"has {' and '.join(given)}; a request has one body")
        if given and self.method in _BODILESS:
            raise ValueError(
                f"is a {self.method} with {given[0]}; only POST, PUT, PATCH and "
                "DELETE have a body: set method, or put it into query"
            )
        return self

    @property
    def operation(self) -> str:
        """Name its samples."""
        return operation_of(self.name, self.group)

    @property
    def checks(self) -> tuple[str, ...]:
        """Name its checks: status, duration, JSON values, saved values, in this order."""
        expect = self.expect
        status = f"status is {' or '.join(map(str, expect.statuses))}"
        return (
            *((status,) if expect.statuses else ()),
            *((f"duration < {format_duration(expect.duration_us)}",) if expect.duration_us else ()),
            *(_json_check(path, value) for path, value in expect.json_values.items()),
            *(f"saved {name}" for name in self.save),
        )


class HttpStepsParameters(OwnHttpParameters):
    """Say what one iteration does, step by step.

    Attributes:
        steps: in order; at least one.
        think_time_us: uniform pause after each iteration.
        data: test data by name, for `${data.NAME.COLUMN}`.
    """

    steps: Annotated[tuple[HttpStep, ...], AfterValidator(_has_steps)] = Field(strict=False)
    think_time_us: DurationRange = Field(default=(0, 0), alias="thinkTime")
    data: dict[VariableName, DataSet] = Field(default_factory=dict)


class PythonParameters(OwnHttpParameters):
    """Say what a Python scenario is given.

    Attributes:
        path: folder that its module is imported from, relative to the profile.
        secrets: environment variables that it may read, as `vu.secrets`.
        settings: whatever it likes, as `vu.settings`.
        transport: `load` is this product's own; `httpx` is httpx's, several times dearer.
    """

    path: str = "."
    secrets: tuple[VariableName, ...] = Field(default=(), strict=False)
    settings: dict[str, Any] = Field(default_factory=dict)
    transport: Literal["load", "httpx"] = "load"

    @property
    def secret_names(self) -> frozenset[str]:
        """Name the environment variables that are only ever the machine's."""
        return super().secret_names | frozenset(self.secrets)


def operation_of(name: str, group: str | None) -> str:
    """Name a step's samples: its group comes first."""
    return f"{group}{GROUP_SEPARATOR}{name}" if group else name


def _json_check(path: str, value: object) -> str:
    return f"{path} exists" if value == "exists" else f"{path} is {value}"
