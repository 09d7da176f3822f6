"""Check what a step expects of a response, and save values from it.

Add here: another thing to expect (and its name in HttpStep.checks, in the same order). Keep out:
the sample (scenario.py).
"""

import json
import re
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from typing import Final

from perf_pipeline.config.http_steps import HEADER_PREFIX, HttpStep
from perf_pipeline.config.json_path import Place, parse_json_path
from perf_pipeline.config.json_values import ABSENT, same_json, value_at
from perf_pipeline.workloads.http.bodies import UnreadableBodyError, plain_body
from perf_pipeline.workloads.http.client import MAX_BODY_BYTES
from perf_pipeline.workloads.http.result import HttpResult
from perf_pipeline.workloads.http.samples import EXPECTED_BY_DEFAULT
from perf_pipeline.workloads.steps.values import (
    Scope,
    Surroundings,
    Value,
    as_text,
    can_be_written,
)
from perf_pipeline.workloads.steps.writing import value_reader

_NS_PER_US: Final = 1_000
_UNREAD: Final = object()
_CHARSET: Final = re.compile(r"[Cc]harset=\s*\"?([A-Za-z0-9._-]+)")
_UTF: Final = frozenset({"utf-8", "utf8", "utf-16", "utf-32"})
_Check = Callable[["CheckedResponse", Scope], bool]
Fits = Callable[[str], bool]
"""Says whether a text that was saved can stand where later steps use it."""


class CheckedResponse:
    """Return a response's parts; its JSON is read once, and only where somebody asks.

    Args:
        result: a complete response.
        most_bytes: the largest size of a body that is kept, and of one that is decompressed.

    Attributes:
        fault: why the body can't be read; empty where it can, or nobody asked.
    """

    __slots__ = ("_document", "_most_bytes", "fault", "result")

    def __init__(self, result: HttpResult, most_bytes: int = MAX_BODY_BYTES) -> None:
        self.result = result
        self.fault = ""
        self._most_bytes = most_bytes
        self._document: Value = _UNREAD

    def at(self, place: Place) -> Value:
        """Return the JSON value at a place; `ABSENT` where there is none, or no JSON at all."""
        if self._document is _UNREAD:
            self._document = self._read()
        return value_at(self._document, place)

    def _read(self) -> Value:
        try:
            body = plain_body(self.result, most_bytes=self._most_bytes)
        except UnreadableBodyError as error:
            self.fault = str(error)
            return ABSENT
        return _read_json(body, self.result.header("content-type"))


@dataclass(frozen=True, slots=True)
class Expectation:
    """Judge the responses of one step.

    Attributes:
        statuses: with which a request is not failed.
        every: mask of all its checks.
        saving: mask of the checks after which the iteration can't go on.
        only_status: the status is the only check.
        checks: in the order of their bits.
        most_bytes: the largest size of a body that is looked at.
        tell: takes a sentence about a body that can't be read.
    """

    statuses: Container[int]
    every: int
    saving: int
    only_status: bool
    checks: tuple[_Check, ...]
    most_bytes: int
    tell: Callable[[str], None]

    def passed(self, result: HttpResult, scope: Scope) -> int:
        """Return the mask of the checks that hold, and save what the step saves.

        Without a complete response no check holds.
        """
        if result.error or not self.every:
            return 0
        if self.only_status:
            return 1 if result.status in self.statuses else 0
        answer, mask, bit = CheckedResponse(result, self.most_bytes), 0, 1
        for check in self.checks:
            if _holds(check, answer, scope):
                mask |= bit
            bit <<= 1
        if answer.fault:
            self.tell(answer.fault)
        return mask


def _holds(check: _Check, answer: CheckedResponse, scope: Scope) -> bool:
    """Say whether a check holds; none does on a value that is nested too deeply to compare."""
    try:
        return check(answer, scope)
    except (ValueError, RecursionError):
        return False


def expectation_of(
    step: HttpStep,
    around: Surroundings,
    fits: Mapping[str, Fits],
    most_bytes: int,
    note: Callable[[str], None],
) -> Expectation:
    """Prepare the checks of a step.

    Args:
        step: the step of the profile.
        around: what variables read.
        fits: by saved name, what its text must be where later steps use it.
        most_bytes: the largest size of a body that is looked at.
        note: takes a sentence about what the target sent.
    """

    def tell(fault: str) -> None:
        note(f"what {step.operation} expects or saves of its response failed: its body {fault}")

    expect = step.expect
    statuses: Container[int] = (
        frozenset(expect.statuses) if expect.statuses else EXPECTED_BY_DEFAULT
    )
    checks: list[_Check] = []
    if expect.statuses:
        checks.append(lambda answer, _: answer.result.status in statuses)
    if expect.duration_us:
        checks.append(_faster_than(expect.duration_us * _NS_PER_US))
    for path, raw in expect.json_values.items():
        checks.append(_json_check(parse_json_path(path), raw, around))
    for name, where in step.save.items():
        checks.append(_saver(name, where, fits.get(name)))
    every = (1 << len(checks)) - 1
    saving = every ^ ((1 << (len(checks) - len(step.save))) - 1)
    assert len(checks) == len(step.checks), "each check has its name, in the same order"
    only_status = bool(expect.statuses) and len(checks) == 1
    return Expectation(
        statuses, every, saving, only_status, tuple(checks), most_bytes=most_bytes, tell=tell
    )


def _faster_than(limit_ns: int) -> _Check:
    return lambda answer, _: answer.result.ended_ns - answer.result.started_ns < limit_ns


def _json_check(place: Place, raw: Value, around: Surroundings) -> _Check:
    if raw == "exists":
        return lambda answer, _: answer.at(place) not in (None, ABSENT)
    read, has_variables = value_reader(raw, around)

    def check(answer: CheckedResponse, scope: Scope) -> bool:
        found, wanted = answer.at(place), read(scope)
        if found is ABSENT:
            return False
        return same_json(found, wanted) or (has_variables and as_text(found) == as_text(wanted))

    return check


def _saver(name: str, where: str, fits: Fits | None) -> _Check:
    find = _finder(where)

    def save(answer: CheckedResponse, scope: Scope) -> bool:
        found = find(answer)
        if found is ABSENT or found is None or not can_be_written(found):
            return False
        if fits is not None and not fits(as_text(found)):
            return False
        scope.saved[name] = found
        return True

    return save


def _finder(where: str) -> Callable[[CheckedResponse], Value]:
    if where.startswith(HEADER_PREFIX):
        header = where.removeprefix(HEADER_PREFIX).strip()
        return lambda answer: answer.result.header(header) or ABSENT
    place = parse_json_path(where)
    return lambda answer: answer.at(place)


def _read_json(body: bytes, content_type: str) -> Value:
    """Read JSON, in UTF-8, 16 or 32 unless the target names another charset (RFC 8259, 8.1)."""
    try:
        charset = _CHARSET.search(content_type) if "harset" in content_type else None
        text = body if charset is None else _decoded(body, charset[1])
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return ABSENT


def _decoded(body: bytes, charset: str) -> str | bytes:
    try:
        return body.decode(charset) if charset.lower() not in _UTF else body
    except LookupError:  # no charset that there is
        return body


def _no_constant(name: str) -> Value:
    """Refuse NaN and Infinity, which Python would take and JSON does not have."""
    raise ValueError(f"{name} is no JSON")
