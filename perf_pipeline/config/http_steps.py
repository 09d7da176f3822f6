"""Configure a user's own HTTP scenarios: what all of them have, and the steps of one.

Add here: a key of a step or of an own scenario, with its meaning in docs/scenarios.md. Keep out:
Python scenarios (python_parameters.py), rules over several steps (http_step_rules.py), files
(own_files.py), requests (workloads/).
"""

import re
from typing import Annotated, Any, Final, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from perf_pipeline.config.data_sets import DataSet
from perf_pipeline.config.durations import Duration
from perf_pipeline.config.frozen import Frozen, equals
from perf_pipeline.config.http_keys import BODILESS, Method, Statuses
from perf_pipeline.config.ranges import DurationRange
from perf_pipeline.config.step_paths import StepPath
from perf_pipeline.config.templated import Made
from perf_pipeline.config.templates import SAVED_NAME
from perf_pipeline.config.tracing import TraceParameters
from perf_pipeline.units import US_PER_S, format_duration

HEADER_PREFIX: Final = "header:"
GROUP_SEPARATOR: Final = "::"
# A name is a tag's value in thresholds, where these characters separate or quote.
_NAME: Final = re.compile(r"(?! )[^,{}:'\"\x00-\x1f]{1,80}(?<! )")
_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_WRITTEN_BY_CLIENT: Final = frozenset({"host", "content-length", "transfer-encoding", "connection"})


def _text(value: object) -> object:
    """Accept a number where a text is expected, since people write numbers in queries and forms."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


def _positive(us: int) -> int:
    if us <= 0:
        raise ValueError(f"{format_duration(us)} is too short; the duration must be more than 0s")
    return us


def _has_steps(steps: tuple["HttpStep", ...]) -> tuple["HttpStep", ...]:
    if not steps:  # not min_length, which counts only valid steps and would report a mistake twice
        raise ValueError("there are no steps; write at least one")
    return steps


def _name(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise ValueError(
            f"{value!r} is not a valid name; use 1 to 80 characters without , {{ }} : and quotes, "
            "and without blanks at the ends"
        )
    return value


def _variable(value: str) -> str:
    if not SAVED_NAME.fullmatch(value):
        rule = "use letters, digits and _, and begin with no digit"
        raise ValueError(f"{value!r} is not a valid name; {rule}")
    return value


def _header_name(value: str) -> str:
    if not _TOKEN.fullmatch(value):
        raise ValueError(
            f"{value!r} is not a valid name of a header (RFC 9110, 5.6.2); use letters, digits and "
            "-"
        )
    if value.lower() in _WRITTEN_BY_CLIENT:
        raise ValueError(f"{value!r} is a header that the client sets itself; leave it out")
    return value


def _header_value(value: str) -> str:
    if not is_header_text(value):
        raise ValueError(
            "contains a character that a header can't carry (the value is not shown here); leave "
            "the character out"
        )
    return value


def is_header_text(text: str) -> bool:
    """Say whether a text may be the value of a header (RFC 9110, 5.5)."""
    return text == text.strip() and all(" " <= sign <= "\xff" and sign != "\x7f" for sign in text)


PositiveDuration = Annotated[Duration, AfterValidator(_positive)]
Text = Annotated[str, BeforeValidator(_text)]
Headers = dict[
    Annotated[str, AfterValidator(_header_name)],
    Annotated[str, BeforeValidator(_text), AfterValidator(_header_value)],
]
Name = Annotated[str, AfterValidator(_name)]
VariableName = Annotated[str, AfterValidator(_variable)]


class Auth(Frozen):
    """Name the environment variable that holds a secret; the secret itself is never written.

    Attributes:
        bearer_env: the the variable with a token, which is sent as `Authorization: Bearer ...`.
        basic_env: the the variable with `user:password`, which is sent as `Authorization: Basic
            ...`.
    """

    bearer_env: VariableName | None = None
    basic_env: VariableName | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if (self.bearer_env is None) == (self.basic_env is None):
            raise ValueError("must have either bearerEnv or basicEnv, and not both")
        return self

    @property
    def variable(self) -> str:
        """Return the name of the variable."""
        return self.bearer_env or self.basic_env or ""


class OwnHttpParameters(TraceParameters):
    """Configure HTTP for a user's own scenario.

    Attributes:
        timeout_us: the longest time of a request, from the first byte sent to the last byte
            received.
        redirects: how many redirects a request follows, all on the target's own origin; each hop is
            a sample, as in k6; 0 follows none.
        headers: headers of every request.
        auth: the login of every request.
        ca_file: a PEM file with the authorities to trust; its path is relative to the profile.
        insecure_skip_verify: accept any certificate; every report says so.
        kept_body_bytes: the longest response body that is kept for checks; a longer one is read and
            counted only. The limit also holds after decompression.
        keep_cookies: keep a VU's cookies between its iterations; k6's default is not to.
        http2: speak HTTP/2 to a target with https. A target that does not negotiate HTTP/2 is
            refused before the load; if a connection does not during the load, its request has
            failed.
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
        """Return the names of the secrets, which only the environment of the machine may hold."""
        return frozenset({self.auth.variable} if self.auth else ())


class Expect(Frozen):
    """Describe the expected response; each key is a separate check.

    Attributes:
        statuses: the expected statuses, 200 to 399 by default; any other status also fails the
            request.
        json_values: JSON path -> value, or "exists".
        duration_us: the response must be complete in less time than this; more than 0s.
    """

    statuses: Statuses = Field(default=(), alias="status")
    json_values: dict[str, Any] = Field(default_factory=dict, alias="json")
    duration_us: PositiveDuration | None = Field(default=None, alias="duration")


class HttpStep(Frozen):
    """Describe one request; texts may hold variables like `${vu}`.

    Attributes:
        name: the name of the operation in every report.
        group: a prefix of the name, written `group::name`.
        method: the HTTP method.
        path: the path below the base URL, whose values are percent-encoded; or one saved value,
            which is a link.
        query: the query's parameters, which are percent-encoded.
        headers: headers that are added to those of the scenario, or replace them.
        json_body: a body in JSON; a text that is just one variable takes the type of the variable.
        form: a body in application/x-www-form-urlencoded.
        body: a text that is sent unchanged, in UTF-8.
        expect: the expected response.
        save: variable -> JSON path, or `header:NAME`; each is a check. Where a value is missing,
            the iteration ends, because later steps need it.
        message: the id of the message that a correct answer promises, e.g. `${order}`, or a list of
            ids.
        think_time_us: pause after the step; of a range, drawn uniformly.
        timeout_us: replaces the scenario's timeout; more than 0s.
    """

    name: Name
    group: Name | None = None
    method: Method = "GET"
    path: StepPath
    query: dict[str, Text] = Field(default_factory=dict)
    headers: Headers = Field(default_factory=dict)
    json_body: Any = Field(default=None, alias="json")
    form: dict[str, Text] | None = None
    body: str | None = None
    expect: Expect = Expect()
    save: dict[VariableName, str] = Field(default_factory=dict)
    message: str | None = Field(default=None, exclude_if=equals(None))
    think_time_us: DurationRange = Field(default=(0, 0), alias="thinkTime")
    timeout_us: PositiveDuration | None = Field(default=None, alias="timeout")

    @model_validator(mode="after")
    def _body_fits(self) -> Self:
        bodies = {"json": self.json_body, "form": self.form, "body": self.body}
        given = [name for name, body in bodies.items() if body is not None]
        if len(given) > 1:
            raise ValueError(
                f"has {' and '.join(given)}; a request has only one body, so keep one of them"
            )
        if given and self.method in BODILESS:
            raise ValueError(
                f"is a {self.method} with {given[0]}; only POST, PUT, PATCH and DELETE have a "
                "body; change method, or move the values to query"
            )
        return self

    @property
    def operation(self) -> str:
        """Return the name of its samples."""
        return operation_of(self.name, self.group)

    @property
    def checks(self) -> tuple[str, ...]:
        """Return the names of its checks in order: status, duration, JSON values, saved values."""
        expect = self.expect
        status = f"status is {' or '.join(map(str, expect.statuses))}"
        return (
            *((status,) if expect.statuses else ()),
            *((f"duration < {format_duration(expect.duration_us)}",) if expect.duration_us else ()),
            *(_json_check(path, value) for path, value in expect.json_values.items()),
            *(f"saved {name}" for name in self.save),
        )


class HttpStepsParameters(OwnHttpParameters):
    """List what one iteration does, step by step.

    Attributes:
        steps: the steps in order; at least one.
        think_time_us: pause after each iteration; of a range, drawn uniformly.
        data: test data by name, for `${data.NAME.COLUMN}`.
    """

    steps: Annotated[tuple[HttpStep, ...], AfterValidator(_has_steps)] = Field(strict=False)
    think_time_us: DurationRange = Field(default=(0, 0), alias="thinkTime")
    data: dict[VariableName, DataSet] = Field(default_factory=dict)

    @property
    def operations(self) -> tuple[Made, ...]:
        """Return the steps with their checks."""
        made = enumerate(self.steps)
        return tuple(Made(f"steps[{at}]", step.operation, step.checks) for at, step in made)

    @property
    def templates(self) -> tuple[object, ...]:
        """Return everything that may hold variables."""
        no_texts = {"name", "group", "save"}
        return (self.headers, *(step.model_dump(exclude=no_texts) for step in self.steps))

    @property
    def header_templates(self) -> tuple[object, ...]:
        """Return the texts that become headers."""
        return (self.headers, *(step.headers for step in self.steps))


def operation_of(name: str, group: str | None) -> str:
    """Return the name of a step's samples, which begins with its group."""
    return f"{group}{GROUP_SEPARATOR}{name}" if group else name


def _json_check(path: str, value: object) -> str:
    return f"{path} exists" if value == "exists" else f"{path} is {value}"
