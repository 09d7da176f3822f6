"""Make steps of a browser's recording: what a person did at one host, with its pauses.

Add here: another kind of request that is no step. Keep out: reading the file (har_recording.py),
and values that come back (recorded_values.py).
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

from perf_pipeline.new_project.draft import DraftStep
from perf_pipeline.new_project.har_recording import RecordedExchange
from perf_pipeline.new_project.names import operation_name
from perf_pipeline.new_project.recorded_values import RecordedValues, secrets_of
from perf_pipeline.new_project.secret_names import COOKIES, SecretVariables, looks_secret
from perf_pipeline.new_project.seen_request import METHODS
from perf_pipeline.new_project.taking_over import NotTakenOverError, TakingOver
from perf_pipeline.report.wording import plural

_MOST_STEPS: Final = 100
_SHORTEST_PAUSE_S: Final = 0.1
_LONGEST_PAUSE_S: Final = 30.0
_STATIC_KINDS: Final = frozenset(
    {"image", "font", "stylesheet", "script", "media", "manifest", "texttrack", "favicon"}
)
_STATIC_TYPES: Final = re.compile(
    r"(image|font|video|audio)/.*|text/(css|javascript)|application/(x-)?(javascript|font-.*)"
)
_STATIC_NAMES: Final = re.compile(
    r".*\.(png|jpe?g|gif|svg|webp|avif|ico|css|m?js|map|woff2?|ttf|otf|mp[34]|webm)", re.IGNORECASE
)
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_VARIABLE: Final = re.compile(r"\$\{(\w+)[^}]*\}")


@dataclass(slots=True)
class Recorded:
    """Collect the steps of a recording.

    Attributes:
        secrets: the variables that replace secrets.
        origin: scheme, host and port whose requests become steps; the first page's if empty.
        steps: in order.
        left_out: what could not be taken over, one sentence each.
        auth: the login of the scenario, as a profile has it.
        remarks: on the recording as a whole.
    """

    secrets: SecretVariables
    origin: str = ""
    steps: list[DraftStep] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    auth: dict[str, str] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    def add(self, exchanges: Sequence[RecordedExchange]) -> None:
        """Make steps of all requests that a person made at the one host."""
        self.origin = self.origin or _main_origin(exchanges)
        self._tell_foreign_cookies(exchanges)
        values = RecordedValues()
        taking = TakingOver(self.secrets, values.known, self.auth, secrets_of(exchanges))
        ended_s = 0.0
        for exchange, last in _without_redirected(self._kept(exchanges)):
            number = self._step(exchange, last, values, taking)
            values.add(exchange, number)
            if last is not exchange:
                values.add(last, number)
            if number > 0:
                self._pause(number - 1, exchange.began_s - ended_s)
            if number >= 0:
                ended_s = last.ended_s
        for number, saved in values.saves.items():
            self.steps[number] = replace(self.steps[number], save=saved)

    def _kept(self, exchanges: Sequence[RecordedExchange]) -> Iterator[RecordedExchange]:
        """Return the requests of a person to the one host, and count the others by kind."""
        others: Counter[str] = Counter()
        for exchange in exchanges:
            if why := self._why_not(exchange):
                others[why] += 1
            else:
                yield exchange
        self.left_out += [
            f"{plural(count, 'request')} {why}" for why, count in sorted(others.items())
        ]

    def _why_not(self, exchange: RecordedExchange) -> str:
        request = exchange.request
        host = urlsplit(request.url).hostname or "no host"
        if exchange.status == 101 or request.url.startswith(("ws:", "wss:")):
            return "over WebSocket, which steps don't speak"
        if request.origin != self.origin:
            return f"to {host}, which is another host"
        if _is_static(exchange):
            return "for files that browsers keep, such as images, scripts and styles"
        if any(name.lower() == "access-control-request-method" for name, _ in request.headers):
            return "that the browser made for itself (CORS preflight)"
        if request.method not in METHODS:
            return f"by the method {request.method[:20]}"
        return "" if exchange.status else "without an answer in the recording"

    def _step(
        self,
        exchange: RecordedExchange,
        last: RecordedExchange,
        values: RecordedValues,
        taking: TakingOver,
    ) -> int:
        """Add a step; give its number, or less than 0 where it can't be one."""
        request = exchange.request
        shown = f"{request.method} {_shown(request.path, taking.secret_values)}"
        if len(self.steps) == _MOST_STEPS:
            self.left_out.append(f"{shown}: {_MOST_STEPS} steps are enough for an iteration")
            return -1
        values.remarks.clear()
        try:
            step = taking.step("", request)
        except NotTakenOverError as error:
            self.left_out.append(f"{shown}: {error}")
            return -1
        name = f"{request.method} {_VARIABLE.sub(_name_of, step.path.partition('?')[0])}"
        remarks = (*step.remarks, *values.remarks, *_about(exchange))
        self.steps.append(
            replace(
                step,
                name=operation_name(name, [earlier.name for earlier in self.steps]),
                expect=_expected(exchange, last),
                remarks=remarks,
            )
        )
        return len(self.steps) - 1

    def _pause(self, number: int, pause_s: float) -> None:
        if pause_s < _SHORTEST_PAUSE_S:
            return
        step = self.steps[number]
        remarks = tuple(step.remarks)
        if pause_s > _LONGEST_PAUSE_S:
            remarks = (*remarks, f"The recording pauses for {pause_s:,.0f} s after it.")
        kept_s = round(min(pause_s, _LONGEST_PAUSE_S), 1)
        self.steps[number] = replace(step, think_time=f"{kept_s:g}s", remarks=remarks)

    def _tell_foreign_cookies(self, exchanges: Sequence[RecordedExchange]) -> None:
        """Say that the recording begins with a session that it was not given itself."""
        given: set[str] = set()
        brought: dict[str, None] = {}
        for exchange in exchanges:
            if exchange.request.origin != self.origin:
                continue
            sent = (value for name, value in exchange.request.headers if name.lower() == "cookie")
            names = {pair.partition("=")[0].strip() for text in sent for pair in text.split(";")}
            brought |= dict.fromkeys(sorted(names - given - {""}))
            given |= {
                value.partition("=")[0].strip()
                for name, header in exchange.headers
                if name in COOKIES
                for value in header.split("\n")
            }
        if brought:
            self.remarks.append(
                f"The recording begins with cookies that it was not given ({', '.join(brought)}). "
                "Where they hold a session, record again from the login on, in a private window."
            )


def _main_origin(exchanges: Sequence[RecordedExchange]) -> str:
    pages = (exchange for exchange in exchanges if exchange.is_page or exchange.kind == "document")
    return next(pages, exchanges[0]).request.origin


def _is_static(exchange: RecordedExchange) -> bool:
    if exchange.kind in _STATIC_KINDS:
        return True
    is_get = exchange.request.method == "GET"
    return is_get and bool(
        _STATIC_TYPES.fullmatch(exchange.media_type)
        or _STATIC_NAMES.fullmatch(exchange.request.path)
    )


def _without_redirected(
    exchanges: Iterator[RecordedExchange],
) -> Iterator[tuple[RecordedExchange, RecordedExchange]]:
    """Return each request with the last answer that it was sent on to: a step follows by itself."""
    first: RecordedExchange | None = None
    last: RecordedExchange | None = None
    for exchange in exchanges:
        if first and last and _is_sent_on(last, exchange):
            last = exchange
            continue
        if first and last:
            yield first, last
        first = last = exchange
    if first and last:
        yield first, last


def _is_sent_on(before: RecordedExchange, after: RecordedExchange) -> bool:
    if before.status not in _REDIRECTS or not before.location:
        return False
    return urljoin(before.request.url, before.location).partition("#")[0] == after.request.url


def _expected(exchange: RecordedExchange, last: RecordedExchange) -> dict[str, Any]:
    """Expect the recorded status; none of a redirect, which would then not be followed."""
    is_plain = last is exchange and exchange.status not in _REDIRECTS and exchange.status != 304
    return {"status": exchange.status} if is_plain and 200 <= exchange.status <= 599 else {}


def _about(exchange: RecordedExchange) -> Iterator[str]:
    if exchange.status >= 400:
        yield f"It failed in the recording, too: {exchange.status} is what is expected."


def _name_of(variable: re.Match[str]) -> str:
    return variable[1]


def _shown(path: str, secrets: frozenset[str]) -> str:
    """Return a path for a sentence, without secrets in it."""
    parts = path.split("/")
    return "/".join("***" if looks_secret(part) or part in secrets else part for part in parts)[
        :200
    ]
